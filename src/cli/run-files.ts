/** What a run's directory holds beside its journal and its plan. */
export const runFiles = { survey: 'survey-before.json', answers: 'answers.json', fleet: 'fleet.yaml' } as const;
