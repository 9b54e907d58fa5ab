import type { ComponentChildren, JSX } from 'preact';

/** A table that scrolls by itself where the page is narrow. */
export const Table = ({
  label,
  heads,
  children,
}: {
  label: string;
  heads: readonly (string | { text: string; class: string })[];
  children: ComponentChildren;
}): JSX.Element => (
  <div class="table" role="region" aria-label={label} tabIndex={0}>
    <table>
      <thead>
        <tr>
          {heads.map((head) =>
            typeof head === 'string' ? (
              <th scope="col">{head}</th>
            ) : (
              <th scope="col" class={head.class}>
                {head.text}
              </th>
            ),
          )}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  </div>
);
