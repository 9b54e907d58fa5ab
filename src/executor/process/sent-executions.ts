import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import { type PlaceFields, placeOf, type SentExecution, toSend } from '../../boundary/sent-execution.js';
import type { ShippedModule } from '../../boundary/shipped-module.js';

/** What one runner process has been sent: it keeps that for its next executions, and is not sent it again. */
export class SentExecutions {
  private readonly byUrl = new Map<string, ShippedModule>();
  private place: PlaceFields | null = null;

  /** @param isKept the process that gets it serves the next execution, too. A host starts a thread for most, which has nothing yet. */
  next(command: ExecuteCommand, isKept: boolean): SentExecution {
    const before = this.place;
    const place = placeOf(command, isKept ? before : null);
    this.place = isKept ? place : null;
    const modules = isKept ? this.lacking(command) : command.modules;
    return toSend(command, modules, place === before ? null : place);
  }

  /** The modules alone that the process lacks. What has not changed is the same object. */
  private lacking({ modules, functionName }: ExecuteCommand): ShippedModule[] {
    return modules.filter((module, index) => {
      // A script is evaluated anew each time, and its source is looked for here.
      if (this.byUrl.get(module.url) === module) return functionName === null && index === 0;
      this.byUrl.set(module.url, module);
      return true;
    });
  }
}
