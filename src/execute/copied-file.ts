/** What of a run's directory is copied to its hosts: all that a colleague needs who has fleet.yaml and a login. */
export const copiedFiles = ['plan.json', 'survey-before.json', 'answers.json', 'journal.jsonl'] as const;
export type CopiedFile = (typeof copiedFiles)[number];
