/**
 * Something that lives for long. Both calls are safe more than once and at any time: `stop` before `start` does nothing,
 * and during a start it ends that as well. `stop` resolves when nothing of it is under way any more, within a limit of
 * its own, and leaves no timer, connection or process behind.
 */
export interface Service {
  start(): void | Promise<void>;
  stop(): void | Promise<void>;
}

/**
 * Services as one that starts them one after the other, and stops them in the reverse order. A start that failed may be
 * repeated: those that have started take that as any second call.
 */
export function inOrder(...services: readonly Service[]): Service {
  return new ServiceList(services);
}

/** Services as one that starts them all at once, and then stops them all at once. */
export function together(...services: readonly Service[]): Service {
  return {
    start: async () => void (await Promise.all(services.map(async (service) => service.start()))),
    stop: () => stopAll(services.map((service) => [service])),
  };
}

class ServiceList implements Service {
  private readonly begun = new Set<Service>();
  private starting: Promise<void> | null = null;
  private stopping: Promise<void> | null = null;

  constructor(private readonly services: readonly Service[]) {}

  start(): Promise<void> {
    this.starting ??= this.startEach().catch((error: unknown) => {
      this.starting = null;
      throw error;
    });
    return this.starting;
  }

  stop(): Promise<void> {
    this.stopping ??= stopAll([[...this.begun].toReversed()]);
    return this.stopping;
  }

  private async startEach(): Promise<void> {
    for (const service of this.services) {
      if (this.stopping) return;
      this.begun.add(service);
      await service.start();
    }
  }
}

/**
 * Stops the services of each row one after the other, the rows at once. One that cannot be stopped keeps no other from
 * that; the first error is thrown when all are done.
 */
async function stopAll(rows: readonly (readonly Service[])[]): Promise<void> {
  const errors: unknown[] = [];
  const stopRow = async (row: readonly Service[]): Promise<void> => {
    for (const service of row) {
      try {
        await service.stop();
      } catch (error) {
        errors.push(error);
      }
    }
  };
  await Promise.all(rows.map(stopRow));
  if (errors.length > 0) throw errors[0];
}
