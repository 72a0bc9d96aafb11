import { createConnection, createServer, type Server, type Socket } from 'node:net';

/**
 * The way of one replica to one master, through this process: a connection of the replica is held until it is let through,
 * once; what goes through can be stalled and cut. So a link is up, stalled or down when the history says so, and never
 * because a server tries again by itself.
 */
export interface Link {
  readonly port: number;
  /** The next connection goes through, or the one that waits; resolves when it does. */
  pass(how: 'whole' | 'announced'): void;
  /** Whether a connection that was let through has ended, or none was. */
  isDown(): boolean;
  stall(): void;
  resume(): void;
  /** Ends everything; what is stalled is lost. */
  cut(): void;
  close(): void;
}

interface Waiting {
  readonly socket: Socket;
  readonly said: Buffer[];
}

/** Listens on `address` for one replica; what goes through reaches the master at `to`. */
export async function linkTo(address: string, to: { readonly host: string; readonly port: number }): Promise<Link> {
  let ticket: 'whole' | 'announced' | undefined;
  let waiting: Waiting | undefined;
  let through: { readonly replica: Socket; readonly master: Socket } | undefined;
  const cut = () => {
    through?.replica.destroy();
    through?.master.destroy();
    through = undefined;
    waiting?.socket.destroy();
    waiting = undefined;
    ticket = undefined;
  };
  const attach = ({ socket, said }: Waiting, how: 'whole' | 'announced') => {
    const master = createConnection(to);
    const pair = { replica: socket, master };
    through = pair;
    const end = () => {
      socket.destroy();
      master.destroy();
      if (through === pair) through = undefined;
    };
    for (const each of [socket, master]) each.on('error', end).on('close', end);
    socket.removeAllListeners('data');
    for (const chunk of said) master.write(chunk);
    socket.on('data', (chunk) => master.write(chunk));
    master.on('data', (chunk: Buffer) => {
      const isCopy = how === 'announced' && chunk.includes('+FULLRESYNC');
      if (!isCopy) return void socket.write(chunk);
      // The copy is announced and begins, and the link dies.
      const line = chunk.indexOf('\r\n', chunk.indexOf('+FULLRESYNC')) + 2;
      socket.end(chunk.subarray(0, line), () => socket.destroy());
      master.destroy();
    });
  };
  const server = createServer((socket) => {
    const one: Waiting = { socket, said: [] };
    socket.on('error', () => undefined);
    if (ticket !== undefined) {
      attach(one, ticket);
      ticket = undefined;
      return;
    }
    waiting = one;
    socket.on('data', (chunk) => one.said.push(chunk));
    socket.on('close', () => {
      if (waiting === one) waiting = undefined;
    });
  });
  const port = await listen(server, address);
  return {
    port,
    pass(how) {
      if (waiting === undefined) ticket = how;
      else attach(waiting, how);
      waiting = undefined;
    },
    isDown: () => through === undefined && ticket === undefined,
    stall: () => void through?.master.pause(),
    resume: () => void through?.master.resume(),
    cut,
    close() {
      cut();
      server.close();
    },
  };
}

function listen(server: Server, address: string): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on('error', reject);
    server.listen(0, address, () => {
      const at = server.address();
      resolve(typeof at === 'object' && at !== null ? at.port : 0);
    });
  });
}
