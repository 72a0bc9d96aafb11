import { ifThere } from '../../need.js';
import { defineRule } from '../../rule.js';

export const sentinelEnabledAtBoot = defineRule({
  id: 'sentinel-enabled-at-boot',
  class: 'data-loss',
  severity: 'info',
  scope: 'sentinel',
  title: 'a sentinel starts by itself when its machine boots',
  rationale:
    'After one machine was down that is what one wants. After all were down, each sentinel starts with the master of its own file and an epoch of its own: the first that finds a quorum makes that node master, whichever has the newest data. Fleets differ in what they choose; this one should have chosen.',
  source: 'sentinel.c:sentinelProcessHelloMessage; the highest epoch wins within two seconds, seen on 7.0.15',
  fix: 'systemctl disable the sentinels and start them as the last step of a recovery, or waive this rule where they are meant to start.',
  fixtures: {
    fails: 'test/audit/fixtures/sentinel-enabled-at-boot/fails',
    nearMiss: 'test/audit/fixtures/sentinel-enabled-at-boot/near-miss',
  },
  needs: (node) => ({ unit: ifThere(node.unit) }),
  check: ({ unit: { unit, manager, properties } }) => {
    const starts =
      manager === 'systemd' ? /^enabled/.test(properties.UnitFileState ?? '') : (properties.StartLinks ?? '') !== '';
    return starts ? [{ message: `${unit} is enabled: the sentinel starts at boot with whatever its file says` }] : [];
  },
});
