/** As it is before user code could replace it. */
const Controller = AbortController;

/** What `context.signal` is of one execution. It is made when the code takes it, which most code never does. */
export class UserSignal {
  private controller: AbortController | null = null;
  private reason: Error | null = null;

  /** The code can react to a request to end. */
  get isTaken(): boolean {
    return this.controller !== null;
  }

  take(): AbortSignal {
    if (this.controller === null) {
      this.controller = new Controller();
      if (this.reason !== null) this.controller.abort(this.reason);
    }
    return this.controller.signal;
  }

  abort(reason: Error): void {
    this.reason = reason;
    this.controller?.abort(reason);
  }
}
