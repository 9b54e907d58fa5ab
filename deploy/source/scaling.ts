import type { IScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import type { IServiceMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor';
import type { Renderer } from './renderer.ts';
import { VALUES } from './values.ts';
import { labelsOf, nameOf, type Role } from './workloads.ts';

/** Jobs that could run now. All processes report the same, so the highest counts. */
export const LENGTH_QUERY =
  'sum(max by (state) (bifrost_queue_jobs{queue="executions",state=~"waiting|prioritized"}))';
/** How long the slowest tenth waited; 0 while nothing was taken, when the quantile is no number. */
export const WAIT_QUERY =
  '(histogram_quantile(0.9, sum by (le) (rate(bifrost_execution_queue_seconds_bucket[2m]))) >= 0) or vector(0)';

/** More workers while jobs wait, by how many and for how long; fewer, one a minute, when they have not for 5 minutes. */
export function scaledObject(by: Renderer): IScaledObject {
  const prometheus = (query: string, threshold: string): object => ({
    type: 'prometheus',
    metadata: { serverAddress: by.of(VALUES.prometheus), query, threshold },
  });
  return {
    apiVersion: 'keda.sh/v1alpha1',
    kind: 'ScaledObject',
    metadata: { name: nameOf('worker', by), labels: labelsOf('worker', by) },
    spec: {
      scaleTargetRef: { name: nameOf('worker', by) },
      minReplicaCount: by.of(VALUES.minWorkers),
      maxReplicaCount: by.of(VALUES.maxWorkers),
      pollingInterval: 15,
      // What Prometheus says is not known for some minutes: the least number stays, and no fewer.
      fallback: { failureThreshold: 4, replicas: by.of(VALUES.minWorkers) },
      advanced: {
        horizontalPodAutoscalerConfig: {
          behavior: {
            scaleUp: {
              stabilizationWindowSeconds: 0,
              policies: [{ type: 'Percent', value: 100, periodSeconds: 30 }],
            },
            scaleDown: {
              stabilizationWindowSeconds: 300,
              policies: [{ type: 'Pods', value: 1, periodSeconds: 60 }],
            },
          },
        },
      },
      triggers: [
        { ...prometheus(LENGTH_QUERY, by.of(VALUES.jobsPerWorker)), metricType: 'AverageValue' },
        { ...prometheus(WAIT_QUERY, by.of(VALUES.waitSeconds)), metricType: 'Value' },
      ],
    },
  } as IScaledObject;
}

/** Has Prometheus scrape every pod of every role, with the token of the Secret. */
export function serviceMonitor(by: Renderer): IServiceMonitor {
  const { 'app.kubernetes.io/component': _, ...labels } = labelsOf('worker' satisfies Role, by);
  return {
    apiVersion: 'monitoring.coreos.com/v1',
    kind: 'ServiceMonitor',
    metadata: { name: by.release, labels: by.merged(labels, VALUES.monitorLabels) },
    spec: {
      selector: { matchLabels: labels },
      podTargetLabels: ['app.kubernetes.io/component'],
      endpoints: [
        {
          port: 'http',
          path: '/metrics',
          interval: '30s',
          authorization: { type: 'Bearer', credentials: { name: by.of(VALUES.secret), key: 'API_TOKEN' } },
        },
      ],
    },
  };
}
