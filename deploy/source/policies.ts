import type { INetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import type { IPodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import type { Renderer } from './renderer.ts';
import { type Peers, VALUES } from './values.ts';
import { labelsOf, nameOf, PORT, type Role } from './workloads.ts';

/** An eviction, as by `kubectl drain`, takes one pod of a role at a time, which drains first. */
export const budget = (role: Role, by: Renderer): IPodDisruptionBudget => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name: nameOf(role, by), labels: labelsOf(role, by) },
  spec: { maxUnavailable: 1, selector: { matchLabels: labelsOf(role, by) } },
});

const tcp = (port: number): { protocol: 'TCP'; port: number } => ({ protocol: 'TCP', port });
const DNS = {
  to: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'kube-system' } } }],
  ports: [{ protocol: 'UDP', port: 53 }, tcp(53)],
};

/** What a role reaches and is reached by; the kubelet, which sends the probes, always may. */
export function policy(role: Role, by: Renderer): INetworkPolicy {
  const to = (peers: Peers, ...ports: number[]): object => ({ to: peers, ports: ports.map(tcp) });
  const from = (peers: Peers): object => ({ from: peers, ports: [tcp(PORT)] });
  const redis = to(by.of(VALUES.redis), by.of(VALUES.redisPort));
  const postgres = to(by.of(VALUES.postgres), by.of(VALUES.postgresPort));
  const internet = to(by.of(VALUES.internet), 443, 80);
  const scraped = from(by.of(VALUES.monitoring));
  const rules: Record<Role, { ingress: object[]; egress: object[] }> = {
    worker: { ingress: [scraped], egress: [DNS, redis, internet] },
    api: { ingress: [from(by.of(VALUES.apiClients)), scraped], egress: [DNS, redis, postgres] },
    archive: { ingress: [scraped], egress: [DNS, redis, postgres] },
  };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'NetworkPolicy',
    metadata: { name: nameOf(role, by), labels: labelsOf(role, by) },
    spec: {
      podSelector: { matchLabels: labelsOf(role, by) },
      policyTypes: ['Ingress', 'Egress'],
      ...rules[role],
    },
  };
}
