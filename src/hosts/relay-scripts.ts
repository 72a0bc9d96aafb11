/**
 * Programs that carry bytes between standard input and output and a socket of the host, both ways at once, and end with
 * either. Each gets a mark, an address and a port (0: the address is the path of a unix socket), and first prints one
 * line: `MARK ok`, or `MARK no WORDS` when the socket cannot be connected. Nothing secret is in their arguments.
 */

/** Socket is a part of perl-base, which every Debian has. The child reads the socket, the parent writes it. */
const PERL = `use strict; use Socket;
my ($mark, $address, $port) = @ARGV; my $s; my $why = "no such host";
$SIG{PIPE} = "IGNORE";
if ($port == 0) {
  socket($s, AF_UNIX, SOCK_STREAM, 0) && connect($s, pack_sockaddr_un($address)) ? ($why = "") : ($why = "$!");
} else {
  my ($failed, @all) = Socket::getaddrinfo($address, $port, { socktype => SOCK_STREAM });
  for my $each (@all) {
    if (socket($s, $each->{family}, SOCK_STREAM, 0) && connect($s, $each->{addr})) { $why = ""; last }
    $why = "$!";
  }
  setsockopt($s, 6, 1, pack("i", 1)) if $why eq "";
}
sub put { my ($to, $b) = @_; while (length $b) { my $n = syswrite($to, $b); return 0 unless defined $n; substr($b, 0, $n) = "" } 1 }
if ($why ne "") { put(*STDOUT, "$mark no $why\\n"); exit 1 }
put(*STDOUT, "$mark ok\\n");
my $parent = $$; my $child = fork; defined $child or exit 1; my $b;
if ($child == 0) {
  close STDIN;
  while (sysread($s, $b, 65536)) { last unless put(*STDOUT, $b) }
  kill "KILL", $parent; exit 0;
}
close STDOUT;
while (sysread(STDIN, $b, 65536)) { last unless put($s, $b) }
shutdown($s, 1);
$SIG{ALRM} = sub { kill "KILL", $child; exit 0 };
alarm 5; waitpid $child, 0;`;

const PYTHON = `import os, socket, sys, threading, time
mark, address, port = sys.argv[1], sys.argv[2], int(sys.argv[3])
def put(b):
    while b:
        b = b[os.write(1, b):]
try:
    if port == 0:
        s = socket.socket(socket.AF_UNIX)
        s.connect(address)
    else:
        s = socket.create_connection((address, port))
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
except Exception as e:
    put(("%s no %s\\n" % (mark, getattr(e, "strerror", None) or e)).encode())
    os._exit(1)
put((mark + " ok\\n").encode())
def out():
    try:
        while True:
            b = s.recv(65536)
            if not b:
                break
            put(b)
    finally:
        os._exit(0)
t = threading.Thread(target=out)
t.daemon = True
t.start()
try:
    while True:
        b = os.read(0, 65536)
        if not b:
            break
        s.sendall(b)
    s.shutdown(socket.SHUT_WR)
except Exception:
    pass
time.sleep(5)
os._exit(0)`;

/** bash cannot close one half of a socket, so the end of our half ends both a second later. */
const BASH = `[ "$3" != 0 ] || { printf '%s no bash opens no unix socket\\n' "$1"; exit 1; }
if ! { exec 3<> "/dev/tcp/$2/$3"; } 2> /dev/null; then printf '%s no connection refused or not reachable\\n' "$1"; exit 1; fi
printf '%s ok\\n' "$1"
exec 4<&0
cat <&3 & out=$!
cat <&4 >&3 2> /dev/null & in=$!
while kill -0 $out 2> /dev/null && kill -0 $in 2> /dev/null; do sleep 0.1; done
kill -0 $out 2> /dev/null && sleep 1
kill $out $in 2> /dev/null
exit 0`;

/** Whether socat or nc is connected cannot be told: the line says so before, and a refusal is the end of the stream. */
const SOCAT = `printf '%s ok\\n' "$1"
if [ "$3" = 0 ]; then exec socat - "UNIX-CONNECT:$2"; fi
case $2 in *:*) exec socat - "TCP6:[$2]:$3,nodelay" ;; esac
exec socat - "TCP:$2:$3,nodelay"`;

const NC = `printf '%s ok\\n' "$1"
if [ "$3" = 0 ]; then exec nc -U -- "$2"; fi
exec nc -- "$2" "$3"`;

/** What a host may have for it, the best first. Each is tried with `test` before it is used. */
export const relayTools = ['perl', 'python3', 'bash', 'socat', 'nc'] as const;
export type RelayTool = (typeof relayTools)[number];

/** The end of a relay's first line where the host has nothing to relay with. */
export const NO_TOOL = 'no tool';

const choices: Readonly<Record<RelayTool, string>> = {
  perl: `perl -MSocket -e 'exit !defined &Socket::getaddrinfo' 2> /dev/null && exec perl -e "$PERL" -- "$@"`,
  python3: `python3 -c 'import socket, threading' 2> /dev/null && exec python3 -c "$PYTHON" "$@"`,
  bash: `[ "$3" != 0 ] && bash -c '(: < /dev/tcp/127.0.0.1/1) 2>&1' 2> /dev/null | grep -q refused && exec bash -c "$BASH" bash "$@"`,
  socat: `case $2 in *[!A-Za-z0-9._:/-]*) false ;; *) command -v socat > /dev/null 2>&1 ;; esac && exec sh -c "$SOCAT" sh "$@"`,
  nc: `command -v nc > /dev/null 2>&1 && { [ "$3" != 0 ] || nc -h 2>&1 | grep -q -e -U; } && exec sh -c "$NC" sh "$@"`,
};

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

/** A shell script with the arguments MARK ADDRESS PORT that becomes the first of the tools that the host has. */
export function relayScript(tools: readonly RelayTool[] = relayTools): string {
  const texts = { PERL, PYTHON, BASH, SOCAT, NC };
  return [
    'LC_ALL=C; export LC_ALL',
    'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH',
    ...Object.entries(texts).map(([name, text]) => `${name}=${quoted(text)}`),
    ...tools.map((tool) => choices[tool]),
    `printf '%s ${NO_TOOL}\\n' "$1"`,
  ].join('\n');
}
