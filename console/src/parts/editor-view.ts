import { closeBrackets } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { javascript } from '@codemirror/lang-javascript';
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language';
import { EditorState, type Extension } from '@codemirror/state';
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightSpecialChars,
  keymap,
  lineNumbers,
} from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { nameOf, UNSEEN } from '../text/visible.js';

export interface EditorHandle {
  setValue: (value: string) => void;
  close: () => void;
}

export interface EditorOptions {
  value: string;
  label: string;
  language: 'typescript' | 'json' | 'text';
  isDark: boolean;
  isReadOnly: boolean;
  marked: number | undefined;
  onChange: (value: string) => void;
  onSubmit: () => void;
}

/**
 * Opens an editor in a shadow tree of the element: there its styles are constructed style sheets, which the page's
 * security policy allows, and not elements made of text, which it does not.
 */
export function openEditor(element: HTMLElement, options: EditorOptions): EditorHandle {
  const root = element.shadowRoot ?? element.attachShadow({ mode: 'open' });
  root.replaceChildren();
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({ doc: options.value, extensions: extensionsFor(options) }),
  });
  return {
    setValue: (value) => {
      if (value === view.state.doc.toString()) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: value } });
    },
    close: () => view.destroy(),
  };
}

function extensionsFor({
  label,
  language,
  isDark,
  isReadOnly,
  marked,
  ...options
}: EditorOptions): Extension[] {
  return [
    lineNumbers(),
    highlightSpecialChars({ specialChars: new RegExp(UNSEEN), render: codeOf }),
    bracketMatching(),
    syntaxHighlighting(colors),
    look(isDark),
    language === 'text' ? [] : javascript({ typescript: language === 'typescript' }),
    marked === undefined ? [] : mark(marked),
    // What is scrolled has to be within reach of the keyboard, as assistive programs see it.
    EditorView.contentAttributes.of({ 'aria-label': label, tabindex: '0' }),
    ...(isReadOnly
      ? [EditorState.readOnly.of(true), EditorView.editable.of(false)]
      : [
          history(),
          drawSelection(),
          indentOnInput(),
          closeBrackets(),
          keymap.of([
            {
              key: 'Mod-Enter',
              run: () => {
                options.onSubmit();
                return true;
              },
            },
            ...defaultKeymap.filter(({ key }) => key !== 'Mod-Enter'),
            ...historyKeymap,
            indentWithTab,
          ]),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) options.onChange(update.state.doc.toString());
          }),
        ]),
  ];
}

/** What stands in the place of a character that cannot be seen. */
function codeOf(code: number): HTMLElement {
  const element = document.createElement('span');
  element.className = 'unseen';
  element.textContent = nameOf(code);
  return element;
}

const mark = (line: number): Extension =>
  EditorView.decorations.of((view) => {
    if (line < 1 || line > view.state.doc.lines) return Decoration.none;
    return Decoration.set(Decoration.line({ class: 'marked' }).range(view.state.doc.line(line).from));
  });

// The variables come from the page: they reach into shadow trees.
const colors = HighlightStyle.define([
  { tag: [tags.keyword, tags.modifier, tags.operatorKeyword], color: 'var(--code-keyword)' },
  { tag: [tags.string, tags.special(tags.string), tags.regexp], color: 'var(--code-string)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--code-number)' },
  { tag: [tags.comment], color: 'var(--text-faint)', fontStyle: 'italic' },
  { tag: [tags.typeName, tags.className], color: 'var(--code-type)' },
  {
    tag: [tags.function(tags.variableName), tags.function(tags.propertyName)],
    color: 'var(--code-function)',
  },
  { tag: [tags.propertyName], color: 'var(--text)' },
]);

const look = (isDark: boolean): Extension =>
  EditorView.theme(
    {
      '&': { height: '100%', fontSize: '13px', color: 'var(--text)', backgroundColor: 'var(--surface)' },
      '&.cm-focused': { outline: '2px solid var(--focus)', outlineOffset: '-2px' },
      '.cm-scroller': { fontFamily: 'var(--mono)', lineHeight: '1.55' },
      '.cm-content': { padding: '10px 0', caretColor: 'var(--text)' },
      '.cm-gutters': {
        backgroundColor: 'var(--surface)',
        color: 'var(--text-faint)',
        border: 'none',
        paddingLeft: '4px',
      },
      '.cm-line': { padding: '0 12px 0 8px' },
      '.cm-cursor': { borderLeftColor: 'var(--text)' },
      '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
        backgroundColor: 'var(--selection)',
      },
      '.unseen': {
        borderRadius: '3px',
        padding: '0 3px',
        fontSize: '10px',
        backgroundColor: 'var(--warn-soft)',
        color: 'var(--warn)',
      },
      '.marked': { backgroundColor: 'var(--bad-soft)' },
    },
    { dark: isDark },
  );
