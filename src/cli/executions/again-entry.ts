/** What became of one execution that was to run again. */
export interface AgainEntry {
  status: 'found' | 'queued' | 'delayed' | 'refused';
  again_of: string;
  execution_id?: string;
  detail?: string;
}
