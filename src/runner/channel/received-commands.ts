import type { RunnerCommand } from '../../boundary/runner-protocol.js';
import { type PlaceFields, received, type SentCommand } from '../../boundary/sent-execution.js';
import { parse } from './primordials.js';

/** Reads commands, and keeps of the executions what they have in common, which is sent once. */
export class ReceivedCommands {
  private place: PlaceFields | null = null;

  readonly read = (line: string): RunnerCommand => {
    const command = parse(line) as SentCommand;
    if (command.type !== 'execute') return command;
    const place = command.place ?? this.place;
    if (place === null) throw new Error('an execution without a place');
    this.place = place;
    return received(command, place);
  };
}
