import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** A command that a server of Redis has run. */
export interface SeenCommand {
  /** In lower case. */
  name: string;
  /** As MONITOR writes it. */
  text: string;
  /** A script ran it. */
  isOfScript: boolean;
}

/**
 * Watches the commands of a server by MONITOR. By a connection of its own: ioredis fails where a command is run
 * between the answer to MONITOR and the moment at which it knows of that.
 * @param url of a server without a password
 * @returns ends the watch
 */
export async function watchCommands(
  url: string,
  onCommand: (command: SeenCommand) => void,
): Promise<() => void> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  const lines = createInterface({ input: socket });
  socket.write('MONITOR\r\n');
  await once(lines, 'line');
  lines.on('line', (text) => {
    const [, source, name] = LINE.exec(text) ?? [];
    if (name !== undefined) onCommand({ name: name.toLowerCase(), text, isOfScript: source === 'lua' });
  });
  return () => socket.destroy();
}

/** `+1795936279.491812 [0 127.0.0.1:33386] "EVALSHA" "…"` */
const LINE = /^\+[\d.]+ \[\d+ (\S+)\] "([^"]+)"/;
