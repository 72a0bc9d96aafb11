import { jsonSchema } from '../inventory/schema.js';
import type { Context } from './context.js';

/** Writes the JSON Schema of fleet.yaml. */
export async function schemaCommand(context: Context): Promise<number> {
  context.stdout(`${JSON.stringify(jsonSchema(), undefined, 2)}\n`);
  return 0;
}
