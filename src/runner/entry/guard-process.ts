import { guardHeap } from '../confine/heap-guard.js';
import { showSystem } from '../confine/shown-system.js';
import { guardBuiltins } from '../modules/import-hook.js';
import { guardAddons } from '../modules/native-addons.js';
import { captureOutput } from '../report/output-capture.js';

/**
 * What every process and thread for user code does before it has any: code sees of the machine, of the runner and of Node what is its own,
 * and what it prints is captured.
 * @param scratch folder of the execution, at the time of the call
 * @param addonFolder where native code may come from; null: it may not
 */
export function guardProcess(scratch: () => string, addonFolder: string | null): void {
  showSystem(scratch);
  Reflect.deleteProperty(process, 'mainModule');
  captureOutput();
  guardBuiltins();
  guardAddons(addonFolder);
  guardHeap();
}
