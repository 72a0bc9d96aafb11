import { answerOf, withReader } from '../node.js';
import type { ConditionModule } from '../tools.js';

/** Every listed sentinel answers CKQUORUM with OK. Proof only together with `sentinels-agree`. */
export const quorum: ConditionModule<'quorum'> = {
  see: async (condition, at) => {
    const answers = await Promise.all(
      condition.sentinels.map((node) =>
        withReader(at, node, async (reader) =>
          String(await answerOf(reader, 'SENTINEL CKQUORUM', condition.group)),
        ).catch((error: Error) => error.message),
      ),
    );
    const bad = condition.sentinels.flatMap((node, index) =>
      answers[index]?.startsWith('OK ') ? [] : [`${node}: ${answers[index]}`],
    );
    return bad.length === 0
      ? { holds: true, seen: answers[0] ?? 'no sentinel was asked' }
      : { holds: false, seen: bad.slice(0, 2).join('; ') };
  },
};
