/** A value that is there already, or one to wait for. */
export type Soon<T> = T | Promise<T>;

/** What follows from a value, without waiting where that is there. */
export const after = <T, U>(soon: Soon<T>, next: (value: T) => Soon<U>): Soon<U> =>
  soon instanceof Promise ? soon.then(next) : next(soon);

/** What there is instead of a value that could not be come by. */
export const orElse = <T>(soon: Soon<T>, otherwise: (error: unknown) => T): Soon<T> =>
  soon instanceof Promise ? soon.catch(otherwise) : soon;

/**
 * Begins something that may fail before anything waits for it: what it throws at once, too, is met where it is
 * awaited.
 */
export function begin<T>(start: () => Soon<T>): Soon<T> {
  try {
    const begun = start();
    if (begun instanceof Promise) begun.catch(() => undefined);
    return begun;
  } catch (error) {
    const failed = Promise.reject<T>(error);
    failed.catch(() => undefined);
    return failed;
  }
}
