import type { JSX } from 'preact';
import type { Artifact } from '../../../src/contract/fields/artifacts.js';
import { executionPath } from '../api/client.js';
import { bytes, plural } from '../text/format.js';
import { Panel } from './basics.js';
import { Icon } from './icons.js';
import { UserText } from './text.js';

/** Files that an execution left. The browser saves them, and never shows them: users made the content. */
export const Artifacts = ({ id, artifacts }: { id: string; artifacts: readonly Artifact[] }): JSX.Element => (
  <Panel title="Artifacts" note={plural(artifacts.length, 'file')} flush>
    <ul class="short-list artifacts">
      {artifacts.map((artifact) => (
        <li key={artifact.name}>
          <a
            href={`${executionPath(id)}/artifacts/${encodeURIComponent(artifact.name)}`}
            download={artifact.name}
            title={`SHA-256 ${artifact.sha256}`}
          >
            <Icon name="file" />
            <span class="artifact-name cut">
              <UserText text={artifact.name} />
            </span>
            <span class="note wide-only">
              <UserText text={artifact.type} />
            </span>
            <span class="note">{bytes(artifact.bytes)}</span>
            <Icon name="down" />
          </a>
        </li>
      ))}
    </ul>
  </Panel>
);
