import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type uPlot from 'uplot';
import type { RatePoints } from '../state/rates.js';
import { shownTheme } from '../state/theme.js';
import { count } from '../text/format.js';

const HEIGHT = 180;

/** Executions that ended, over time. The library that draws it is loaded when it is shown. */
export function RateChart({ points, label }: { points: RatePoints; label: string }): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(points);
  latest.current = points;
  const theme = shownTheme.value;

  useEffect(() => {
    const element = box.current;
    if (!element) return undefined;
    let isGone = false;
    const resize = new ResizeObserver(() =>
      plot.current?.setSize({ width: element.clientWidth, height: HEIGHT }),
    );
    void Promise.all([import('uplot'), import('uplot/dist/uPlot.min.css')]).then(([{ default: Plot }]) => {
      if (isGone) return;
      plot.current = new Plot(optionsFor(element), dataOf(latest.current), element);
      resize.observe(element);
    });
    return () => {
      isGone = true;
      resize.disconnect();
      plot.current?.destroy();
      plot.current = null;
    };
  }, [theme]);
  useEffect(() => plot.current?.setData(dataOf(points)), [points]);
  return <div ref={box} class="chart" role="img" aria-label={label} />;
}

/** The upper line is the sum, so that the failures lie on top of the successes. */
const dataOf = ({ seconds, good, bad }: RatePoints): uPlot.AlignedData => [
  seconds,
  good.map((value, index) => value + (bad[index] ?? 0)),
  bad,
];

const timeOf = (seconds: number): string =>
  new Date(seconds * 1_000).toLocaleTimeString('en-GB', { hour: '2-digit', minute: '2-digit' });

function optionsFor(element: HTMLElement): uPlot.Options {
  const style = getComputedStyle(document.documentElement);
  const color = (name: string): string => style.getPropertyValue(name).trim();
  const axis = {
    stroke: color('--text-faint'),
    font: '11px system-ui, sans-serif',
    grid: { stroke: color('--line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: element.clientWidth,
    height: HEIGHT,
    padding: [8, 8, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: { y: { range: (_plot, _min, max) => [0, Math.max(1, max * 1.15)] } },
    axes: [
      { ...axis, space: 90, size: 28, values: (_plot, splits) => splits.map(timeOf) },
      { ...axis, size: 44, space: 34, values: (_plot, splits) => splits.map(count) },
    ],
    series: [
      {},
      { stroke: color('--good'), width: 1.5, fill: color('--good-soft'), points: { show: false } },
      { stroke: color('--bad'), width: 1.5, fill: color('--bad-soft'), points: { show: false } },
    ],
  };
}
