import type { ButtonHTMLAttributes, ComponentChildren, JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { RequestError } from '../api/client.js';
import { address, go, route } from '../state/router.js';
import { Icon, type IconName } from './icons.js';
import { UserText } from './text.js';

/** Goes to a page of the console without a load, unless the click asks for another tab or window. */
export function follow(event: MouseEvent, href: string): void {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0) return;
  event.preventDefault();
  go(href);
}

/** A link inside the console: without a load of the page, but with the habits of a link. */
export function Link({
  to,
  query,
  children,
  ...rest
}: {
  to: string;
  query?: Record<string, string>;
  children: ComponentChildren;
  class?: string;
  'aria-label'?: string;
}): JSX.Element {
  const href = address(to, query);
  const { path } = route.value;
  const isHere = path === to || (to !== '/' && path.startsWith(`${to}/`));
  return (
    <a
      href={href}
      onClick={(event) => follow(event, href)}
      aria-current={isHere ? (path === to ? 'page' : 'true') : undefined}
      {...rest}
    >
      {children}
    </a>
  );
}

type ButtonKind = 'plain' | 'primary' | 'danger' | 'quiet';

export const Button = ({
  icon,
  kind = 'plain',
  children,
  ...rest
}: {
  icon?: IconName;
  kind?: ButtonKind;
  children?: ComponentChildren;
} & ButtonHTMLAttributes): JSX.Element => (
  <button type="button" class={`button ${kind}`} {...rest}>
    {icon && <Icon name={icon} />}
    {children && <span>{children}</span>}
  </button>
);

/** The head of a page: its name, a sentence, and what can be done on it. */
export function PageHead({
  title,
  about,
  children,
}: {
  title: ComponentChildren;
  about?: ComponentChildren;
  children?: ComponentChildren;
}): JSX.Element {
  return (
    <header class="page-head">
      <div>
        <h1 tabIndex={-1}>{title}</h1>
        {about && <p>{about}</p>}
      </div>
      {children && <div class="actions">{children}</div>}
    </header>
  );
}

export const Panel = ({
  title,
  note,
  children,
  flush = false,
}: {
  title: ComponentChildren;
  note?: ComponentChildren;
  children: ComponentChildren;
  flush?: boolean;
}): JSX.Element => (
  <section class={flush ? 'panel flush' : 'panel'}>
    <header>
      <h2>{title}</h2>
      {note && <div class="note">{note}</div>}
    </header>
    <div class="panel-body">{children}</div>
  </section>
);

/** Something that is being read for the first time. */
export const Loading = ({ what }: { what: string }): JSX.Element => (
  <div class="state" role="status">
    <span class="spinner" aria-hidden="true" />
    <p>Reading {what}…</p>
  </div>
);

export const Empty = ({ title, children }: { title: string; children?: ComponentChildren }): JSX.Element => (
  <div class="state">
    <p class="state-title">{title}</p>
    {children && <div>{children}</div>}
  </div>
);

/** Why something cannot be shown, and what can be done. */
export function Failure({ error, retry }: { error: Error; retry?: () => void }): JSX.Element {
  const status = error instanceof RequestError ? error.status : -1;
  const title =
    status === 0
      ? 'The worker does not answer'
      : status === 401
        ? 'The session is over'
        : status === 403
          ? 'Not allowed'
          : status === 404
            ? 'Not found'
            : status === 503
              ? 'Not available now'
              : 'This could not be read';
  return (
    <div class="state" role="alert">
      <p class="state-title">
        <Icon name="warning" /> {title}
      </p>
      {error.message !== `${title}.` && (
        <p>
          <UserText text={error.message} />
        </p>
      )}
      {retry && (
        <Button icon="again" onClick={retry}>
          Try again
        </Button>
      )}
    </div>
  );
}

/** A question in front of the page; the browser keeps the focus in it and closes it at Escape. */
export function Dialog({
  title,
  onClose,
  children,
  wide = false,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  wide?: boolean;
}): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = element.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog
      ref={element}
      class={wide ? 'dialog wide' : 'dialog'}
      aria-labelledby="dialog-title"
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === element.current && onClose()}
    >
      <div class="dialog-box">
        <header>
          <h2 id="dialog-title">{title}</h2>
          <Button kind="quiet" icon="close" aria-label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

/** A name and its value, under each other on a phone. */
export const Facts = ({
  rows,
}: {
  rows: readonly (readonly [string, ComponentChildren] | null | false | undefined)[];
}): JSX.Element => (
  <dl class="facts">
    {rows.map(
      (row) =>
        row && (
          <div key={row[0]}>
            <dt>{row[0]}</dt>
            <dd>{row[1]}</dd>
          </div>
        ),
    )}
  </dl>
);
