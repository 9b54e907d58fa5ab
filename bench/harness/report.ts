import { pairedRatio, type Sample, sampleOf } from './statistics.ts';

/** One figure of one contestant. */
export interface Measurement {
  figure: string;
  contestant: string;
  unit: string;
  sample: Sample;
}

/** Everything that was measured in one run. */
export class Report {
  readonly measurements: Measurement[] = [];

  add(figure: string, contestant: string, unit: string, values: readonly number[]): void {
    this.measurements.push({ figure, contestant, unit, sample: sampleOf(values) });
  }

  find(figure: string, contestant: string): Sample | undefined {
    return this.measurements.find((each) => each.figure === figure && each.contestant === contestant)?.sample;
  }

  /** How many times the other's figure this one's is, round by round; undefined where one was not measured. */
  ratio(figure: string, contestant: string, other: string): Sample | undefined {
    const [own, theirs] = [this.find(figure, contestant), this.find(figure, other)];
    return own && theirs && pairedRatio(own, theirs);
  }
}
