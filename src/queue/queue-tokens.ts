/** Injects the BullMQ queue that executions arrive on; its real name is the setting QUEUE_NAME. */
export const WORK_QUEUE: unique symbol = Symbol('WorkQueue');
