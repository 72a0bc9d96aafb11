import { describe, expect, it } from 'vitest';
import { nearest } from '../../src/inventory/nearest.js';
import { jsonSchema } from '../../src/inventory/schema.js';
import { editDistance } from '../../src/model/edit-distance.js';

describe('the JSON Schema', () => {
  it('allows no unknown key, and is plain JSON', () => {
    const schema = JSON.parse(JSON.stringify(jsonSchema()));
    expect(schema).toMatchObject({
      $schema: expect.stringContaining('2020-12'),
      type: 'object',
      additionalProperties: false,
    });
    expect(Object.keys(schema.properties)).toEqual([
      'name',
      'group',
      'master-name',
      'groups',
      'defaults',
      'hosts',
      'ignore',
      'backup',
    ]);
    expect(schema.required).toEqual(['name', 'hosts']);
    expect(schema.properties.backup.additionalProperties).toBe(false);
    expect(schema.properties.backup.properties.keep.additionalProperties).toBe(false);
    expect(schema.properties.defaults.additionalProperties).toBe(false);
    const secrets = schema.properties.defaults.properties['sudo-password'];
    expect(JSON.stringify(secrets)).not.toContain('"node"');
    expect(secrets.anyOf.flatMap((one: { required?: string[] }) => one.required ?? [])).toEqual([
      'env',
      'file',
      'command',
      'prompt',
    ]);
    expect(schema.properties.hosts.additionalProperties.required).toEqual(['address', 'runs']);
    expect(schema.properties.hosts.additionalProperties.properties.redis.properties.port).toMatchObject({
      type: 'integer',
      maximum: 65535,
    });
  });
});

describe('the nearest word', () => {
  it.each([
    ['adress', 'address'],
    ['recvoer', 'recover'],
    ['stauts', 'status'],
    ['comp', 'completion'],
    ['RECOVER', 'recover'],
    ['audit', undefined],
    ['x', undefined],
  ])('of %s is %s', (word, meant) => {
    expect(nearest(word, ['address', 'recover', 'status', 'completion'])).toBe(meant);
  });

  it('counts single changes and swaps', () => {
    expect(editDistance('', 'abc')).toBe(3);
    expect(editDistance('abcd', 'abdc')).toBe(1);
    expect(editDistance('kitten', 'sitting')).toBe(3);
    expect(editDistance('Same', 'same')).toBe(0);
  });
});
