import type { JSX } from 'preact';
import type { WebhookDeliveries } from '../../../src/contract/api/webhooks.js';
import { ask } from '../api/client.js';
import { useResource } from '../state/resource.js';
import { duration, plural } from '../text/format.js';
import { Panel } from './basics.js';
import { Badge, type Tone } from './status.js';
import { Table } from './table.js';
import { Ago, UserText } from './text.js';

const TONES: Readonly<Record<string, Tone>> = { delivered: 'good', retried: 'warn', failed: 'bad' };
const POLL_MS = 5_000;

/**
 * What became of the messages to a webhook; nothing where there were none.
 * @param of path in the API of what they are about
 * @param turn reads them anew when it changes
 */
export function Deliveries({ of, turn }: { of: string; turn: string }): JSX.Element | null {
  const { data } = useResource(
    `deliveries ${of} ${turn}`,
    (signal) => ask<WebhookDeliveries>(`${of}/webhooks`, { signal }),
    POLL_MS,
  );
  const deliveries = data?.deliveries ?? [];
  if (deliveries.length === 0) return null;
  return (
    <Panel title="Webhook" note={plural(deliveries.length, 'attempt')} flush>
      <Table
        label="Deliveries of the webhook"
        heads={[
          '#',
          'Outcome',
          'Receiver',
          'Answer',
          { text: 'Took', class: 'number' },
          { text: 'When', class: 'number' },
        ]}
      >
        {deliveries.map((one) => (
          <tr key={`${one.at} ${one.attempt}`}>
            <td>{one.attempt}</td>
            <td>
              <Badge tone={TONES[one.outcome] ?? 'idle'}>{one.outcome}</Badge>
            </td>
            <td class="cut">
              <UserText text={one.to} />
            </td>
            <td class="cut">
              {one.status !== null && `${one.status} `}
              {one.error !== null && <UserText text={one.error} />}
            </td>
            <td class="number">{duration(one.duration_ms)}</td>
            <td class="number">
              <Ago at={one.at} />
            </td>
          </tr>
        ))}
      </Table>
    </Panel>
  );
}
