import { budget, policy } from './policies.ts';
import type { Renderer } from './renderer.ts';
import { scaledObject, serviceMonitor } from './scaling.ts';
import { type Value, VALUES } from './values.ts';
import { api, archive, type Role, service, worker } from './workloads.ts';

/** One object of the cluster. */
export interface Manifest {
  /** The file without its folder and ending. */
  file: string;
  object: object;
  /** The switch that it depends on; none: it is always there. */
  when?: Value<boolean>;
}

export const ROLES: readonly Role[] = ['worker', 'api', 'archive'];

/** The objects of one role. */
export function objectsOf(role: Role, by: Renderer): Manifest[] {
  const workload = { worker, api, archive }[role];
  return [
    { file: 'deployment', object: workload(by) },
    { file: 'service', object: service(role, by) },
    { file: 'pod-disruption-budget', object: budget(role, by) },
    { file: 'network-policy', object: policy(role, by), when: VALUES.policies },
  ];
}

/** What needs an operator in the cluster. */
export const scaling = (by: Renderer): Manifest => ({
  file: 'scaled-object',
  object: scaledObject(by),
  when: VALUES.autoscale,
});
export const monitor = (by: Renderer): Manifest => ({
  file: 'service-monitor',
  object: serviceMonitor(by),
  when: VALUES.serviceMonitor,
});
