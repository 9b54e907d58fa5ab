import type { ExecuteCommand } from '../../boundary/runner-protocol.js';
import type { ShippedModule } from '../../boundary/shipped-module.js';

/** What one runner process has been sent to load: it keeps that for its next executions, and is not sent it again. */
export class SentModules {
  private readonly byUrl = new Map<string, ShippedModule>();

  /** The command with the modules alone that the process lacks. What has not changed is the same object. */
  without(command: ExecuteCommand): ExecuteCommand {
    const modules = command.modules.filter((module, index) => {
      // A script is evaluated anew each time, and its source is looked for here.
      if (this.byUrl.get(module.url) === module) return command.functionName === null && index === 0;
      this.byUrl.set(module.url, module);
      return true;
    });
    return { ...command, modules };
  }
}
