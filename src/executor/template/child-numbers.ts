import { childrenOf, depthOf, innerPid } from '../../lib/process/process-tree.js';

/** Far more than can wait for a template to note their ends. */
const PAST_KEPT = 4_096;

/** The machine's numbers of the children of one template, which itself knows them by those of its namespace. */
export class ChildNumbers {
  private readonly live = new Set<number>();
  /** The newest that have ended: the kernel lists each until the template has noted its end. */
  private readonly past = new Set<number>();
  /** Of the template's namespace; 0: not looked at yet. */
  private depth = 0;

  /**
   * The number of a child that the template has just forked.
   * @throws {Error} when there is no such child.
   */
  find(template: number, inner: number): number {
    const strange = childrenOf(template).filter((pid) => !this.live.has(pid));
    const unmet = strange.filter((pid) => !this.past.has(pid));
    // The only one that we have never met needs no other look. A number may also come again.
    const found = unmet.length === 1 ? unmet[0] : this.search([...unmet, ...strange], template, inner);
    if (found === undefined) throw new Error(`the template has no child ${inner}`);
    this.live.add(found);
    return found;
  }

  /** Those that we have never met come first: the kernel lists them in the order of their forks, which is that of the answers. */
  private search(candidates: readonly number[], template: number, inner: number): number | undefined {
    if (this.depth === 0) this.depth = depthOf(template);
    return candidates.find((pid) => innerPid(pid, this.depth) === inner);
  }

  /** It has ended. */
  forget(pid: number): void {
    this.live.delete(pid);
    this.past.add(pid);
    if (this.past.size > PAST_KEPT) this.past.delete(this.past.values().next().value as number);
  }
}
