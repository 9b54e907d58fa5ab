import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { removeFilter, savedFilters, saveFilter } from '../state/saved-filters.js';
import { address } from '../state/router.js';
import { Button, Dialog, follow } from './basics.js';
import { Icon } from './icons.js';
import { UserText } from './text.js';
import { visibleText } from '../text/visible.js';

/** Filters that a person has saved, to be chosen or removed. */
export function SavedFilters({ path, query }: { path: string; query: URLSearchParams }): JSX.Element | null {
  const filters = savedFilters.value;
  if (filters.length === 0) return null;
  const current = query.toString();
  return (
    <ul class="saved" aria-label="Saved filters">
      {filters.map(({ name, query: own }) => (
        <li key={name} class={own === current ? 'here' : ''}>
          <a
            href={address(path, new URLSearchParams(own))}
            aria-current={own === current ? 'true' : undefined}
            onClick={(event) => follow(event, address(path, new URLSearchParams(own)))}
          >
            <Icon name="filter" />
            <UserText text={name} />
          </a>
          <button
            type="button"
            aria-label={`Remove the filter ${visibleText(name)}`}
            onClick={() => removeFilter(name)}
          >
            <Icon name="close" />
          </button>
        </li>
      ))}
    </ul>
  );
}

/** Asks for the name of a filter. */
export function SaveFilterDialog({
  query,
  onClose,
}: {
  query: URLSearchParams;
  onClose: () => void;
}): JSX.Element {
  const [name, setName] = useState('');
  return (
    <Dialog title="Save these filters" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (name.trim() === '') return;
          saveFilter(name, query.toString());
          onClose();
        }}
      >
        <label class="field">
          <span>Name, kept in this browser</span>
          <input
            value={name}
            maxLength={60}
            autofocus
            onInput={(event) => setName(event.currentTarget.value)}
          />
        </label>
        <div class="dialog-end">
          <Button onClick={onClose}>Leave it</Button>
          <button class="button primary" type="submit" disabled={name.trim() === ''}>
            <span>Save</span>
          </button>
        </div>
      </form>
    </Dialog>
  );
}
