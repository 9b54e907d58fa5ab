import type { ComponentType, JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { Button, Empty, Link, Loading } from './parts/basics.js';
import { Icon, type IconName } from './parts/icons.js';
import { KeysDialog, useKeys } from './parts/keys.js';
import { Notices } from './parts/notices.js';
import { UserText } from './parts/text.js';
import { AccessPage } from './pages/access.js';
import { ExecutionPage } from './pages/execution.js';
import { ExecutionsPage } from './pages/executions.js';
import { LogInPage } from './pages/log-in.js';
import { OrganizationsPage } from './pages/organizations.js';
import { OverviewPage } from './pages/overview.js';
import { PackagesPage } from './pages/packages.js';
import { PlaygroundPage } from './pages/playground.js';
import { QueuePage } from './pages/queue.js';
import { SchedulePage } from './pages/schedule.js';
import { SchedulesPage } from './pages/schedules.js';
import { SettingsPage } from './pages/settings.js';
import { WorkersPage } from './pages/workers.js';
import { WorkspacePage } from './pages/workspace.js';
import { hasTenants, may, rights, seesAll } from './state/rights.js';
import { online } from './state/connection.js';
import { parts, route } from './state/router.js';
import { loadSession, logOut, session, tokenName, tokenWanted, version } from './state/session.js';
import { visibleText } from './text/visible.js';
import { shownTheme, toggleTheme } from './state/theme.js';

interface Place {
  path: string;
  name: string;
  icon: IconName;
  /** After g. */
  key: string;
  page: ComponentType;
  /** Whether the one that looks may have it; left out: everyone may. */
  isShown?: () => boolean;
}

const PLACES: readonly Place[] = [
  { path: '/', name: 'Overview', icon: 'overview', key: 'o', page: OverviewPage },
  { path: '/executions', name: 'Executions', icon: 'executions', key: 'e', page: ExecutionsPage },
  { path: '/queue', name: 'Queue', icon: 'queue', key: 'q', page: QueuePage, isShown: () => seesAll.value },
  { path: '/schedules', name: 'Schedules', icon: 'schedules', key: 'c', page: SchedulesPage },
  {
    path: '/organizations',
    name: 'Organizations',
    icon: 'organizations',
    key: 'z',
    page: OrganizationsPage,
    isShown: () => hasTenants.value,
  },
  {
    path: '/workers',
    name: 'Workers',
    icon: 'workers',
    key: 'w',
    page: WorkersPage,
    isShown: () => seesAll.value,
  },
  {
    path: '/workspace',
    name: 'Workspace',
    icon: 'workspace',
    key: 's',
    page: WorkspacePage,
    isShown: () => seesAll.value,
  },
  { path: '/packages', name: 'Packages', icon: 'packages', key: 'p', page: PackagesPage },
  {
    path: '/playground',
    name: 'Playground',
    icon: 'playground',
    key: 'y',
    page: PlaygroundPage,
    isShown: () => may('submit'),
  },
  {
    path: '/access',
    name: 'Access',
    icon: 'access',
    key: 'a',
    page: AccessPage,
    isShown: () => hasTenants.value && may('admin'),
  },
  {
    path: '/settings',
    name: 'Settings',
    icon: 'settings',
    key: 'h',
    page: SettingsPage,
    isShown: () => seesAll.value,
  },
];

const shownPlaces = (): readonly Place[] => PLACES.filter(({ isShown }) => isShown?.() ?? true);

/** The whole console. */
export function App(): JSX.Element {
  switch (session.value) {
    case 'unknown':
      return (
        <main class="alone">
          <Loading what="the session" />
        </main>
      );
    case 'away':
      return (
        <main class="alone">
          <Empty title="The worker does not answer">
            <p>Is it running? This page tries again when you ask it to.</p>
            <Button icon="again" onClick={() => void loadSession()}>
              Try again
            </Button>
          </Empty>
        </main>
      );
    case 'closed':
      return <LogInPage />;
    case 'open':
      return <Shell />;
  }
}

function Shell(): JSX.Element {
  const [showsKeys, setShowsKeys] = useState(false);
  const [isMenuOpen, setMenuOpen] = useState(false);
  useKeys(shownPlaces, () => setShowsKeys(true));
  const { path } = route.value;
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  useEffect(() => {
    setMenuOpen(false);
    const place = PLACES.find((one) => one.path === path);
    document.title = `${place?.name ?? visibleText(parts.value.at(-1) ?? 'Bifrost')} · Bifrost`;
    // A reader of the screen is taken to the new page, as a load of it would.
    if (isFirst.current) isFirst.current = false;
    else main.current?.querySelector<HTMLElement>('h1')?.focus({ preventScroll: true });
  }, [path]);
  return (
    <div class="shell">
      <a class="skip" href="#main">
        Skip to the page
      </a>
      <header class="top">
        <Button
          kind="quiet"
          icon={isMenuOpen ? 'close' : 'menu'}
          aria-label="Menu"
          aria-expanded={isMenuOpen}
          onClick={() => setMenuOpen(!isMenuOpen)}
        />
        <Brand />
      </header>
      <aside class={isMenuOpen ? 'side open' : 'side'} aria-label="Menu">
        <Brand />
        <nav aria-label="Pages">
          {shownPlaces().map(({ path: to, name, icon }) => (
            <Link to={to} key={to}>
              <Icon name={icon} />
              {name}
            </Link>
          ))}
        </nav>
        <div class="side-end">
          <Button
            kind="quiet"
            icon={shownTheme.value === 'dark' ? 'sun' : 'moon'}
            onClick={toggleTheme}
            title="Light or dark (t)"
          >
            {shownTheme.value === 'dark' ? 'Light' : 'Dark'}
          </Button>
          <Button kind="quiet" icon="keys" onClick={() => setShowsKeys(true)} title="Keys (?)">
            Keys
          </Button>
          {tokenWanted.value && (
            <Button kind="quiet" icon="leave" onClick={() => void logOut()}>
              Log out
            </Button>
          )}
          {tokenName.value !== null && (
            <p class="version">
              <UserText text={tokenName.value} />, {rights.value.role}
            </p>
          )}
          {version.value !== null && <p class="version">Version {version.value}</p>}
        </div>
      </aside>
      <div class="page">
        {!online.value && (
          <div class="offline" role="status">
            <Icon name="warning" /> The worker does not answer. What you see is from before; it goes on by
            itself.
          </div>
        )}
        <main id="main" ref={main}>
          <Page />
        </main>
      </div>
      <Notices />
      {showsKeys && <KeysDialog places={shownPlaces()} onClose={() => setShowsKeys(false)} />}
    </div>
  );
}

const Brand = (): JSX.Element => (
  <Link to="/" class="brand" aria-label="Bifrost: overview">
    <svg viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M6 22a10 10 0 0 1 20 0M10.500 22a5.500 5.500 0 0 1 11 0M5 25.500h22" />
    </svg>
    <span>Bifrost</span>
  </Link>
);

const NotAllowed = (): JSX.Element => (
  <Empty title="This token may not see this page">
    <Link to="/">Go to the overview</Link>
  </Empty>
);

function Page(): JSX.Element {
  const [first, second] = parts.value;
  if (first === 'executions' && second !== undefined) return <ExecutionPage id={second} key={second} />;
  if (first === 'schedules' && second !== undefined) return <SchedulePage id={second} key={second} />;
  const place = PLACES.find(({ path }) => path === `/${first ?? ''}`);
  if (place && second === undefined) return place.isShown?.() === false ? <NotAllowed /> : <place.page />;
  return (
    <Empty title="There is no such page">
      <Link to="/">Go to the overview</Link>
    </Empty>
  );
}
