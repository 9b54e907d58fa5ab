/** First characters by which needles are found; no needle is shorter. */
const LEAD = 4;
const SLOTS = 65_536;
const NO_HASHES = new Uint8Array(0);

/** What a text holds of the needles. */
export interface Findings {
  /** Ranges that needles cover, in order; what overlaps or touches is one range. */
  ranges: [start: number, end: number][];
  /** From here to its end the text is the beginning of a needle; the length of the text where it is not. */
  open: number;
}

/**
 * Finds any of many texts in one pass, in time that does not grow with their number: a table of the
 * hashes of their first characters tells at nearly every place that none begins there.
 */
export class NeedleTable {
  private readonly hashes: Uint8Array;
  /** By their first characters, the longest first. */
  private readonly byLead = new Map<string, string[]>();
  /** First characters, fewer than {@link LEAD}. */
  private readonly beginnings = new Set<string>();

  /** @param needles at least four characters each; an empty list finds nothing */
  constructor(needles: readonly string[]) {
    // Most executions have no secrets: 64 KiB for each of them would keep the garbage collector busy.
    this.hashes = needles.length === 0 ? NO_HASHES : new Uint8Array(SLOTS);
    for (const needle of new Set(needles)) {
      const lead = needle.slice(0, LEAD);
      this.hashes[hashAt(needle, 0)] = 1;
      this.byLead.set(lead, [...(this.byLead.get(lead) ?? []), needle]);
      for (let length = 1; length < LEAD; length += 1) this.beginnings.add(needle.slice(0, length));
    }
    for (const alike of this.byLead.values()) alike.sort((a, b) => b.length - a.length);
  }

  get isEmpty(): boolean {
    return this.byLead.size === 0;
  }

  find(text: string): Findings {
    const findings: Findings = { ranges: [], open: text.length };
    if (this.isEmpty) return findings;
    const lastLead = text.length - LEAD;
    for (let at = 0; at <= lastLead; at += 1) {
      if (this.hashes[hashAt(text, at)] === 1) this.compare(text, at, findings);
    }
    for (let at = Math.max(0, lastLead + 1); at < findings.open; at += 1) {
      if (this.beginnings.has(text.slice(at))) findings.open = at;
    }
    return findings;
  }

  private compare(text: string, at: number, findings: Findings): void {
    const left = text.length - at;
    for (const needle of this.byLead.get(text.slice(at, at + LEAD)) ?? []) {
      if (needle.length > left) {
        if (at < findings.open && needle.startsWith(text.slice(at))) findings.open = at;
      } else if (text.startsWith(needle, at)) {
        cover(findings.ranges, at, at + needle.length);
        return;
      }
    }
  }
}

function cover(ranges: Findings['ranges'], start: number, end: number): void {
  const last = ranges.at(-1);
  if (last && start <= last[1]) last[1] = Math.max(last[1], end);
  else ranges.push([start, end]);
}

const hashAt = (text: string, at: number): number =>
  (text.charCodeAt(at) * 0x1f351 +
    text.charCodeAt(at + 1) * 0x1003f +
    text.charCodeAt(at + 2) * 0x4d5 +
    text.charCodeAt(at + 3)) &
  (SLOTS - 1);
