import { hostname, userInfo } from 'node:os';

/**
 * `user@machine`, as locks and reports show the operator. Where several people share one login, `$REDIS_RUNBOOK_OPERATOR`
 * says which of them it is; anything that is no plain name is not taken.
 */
export function operator(): string {
  const given = process.env.REDIS_RUNBOOK_OPERATOR;
  const name = given !== undefined && /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/.test(given) ? given : userInfo().username;
  return `${name}@${hostname()}`;
}
