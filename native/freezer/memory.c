/*
 * A child must share no memory with the template, and needs all of it: shared mappings are refused, except those
 * that the kernel itself puts there read-only, and what V8 keeps out of forks is let in again.
 */
#include "freezer.h"

enum { MADV_DOFORK = 11, MAPS_BYTES = 1 << 19 };

/* [vdso], [vvar], [vvar_vclock], [vsyscall] */
static int is_kernels(const char *line) { return find(line, "[v") != NULL; }

int open_memory(void) {
  static char maps[MAPS_BYTES];
  if (read_file("/proc/self/maps", maps, MAPS_BYTES) < 0) return refuse("/proc/self/maps is longer than ", MAPS_BYTES, "");
  for (char *line = maps; *line;) {
    char *end = line;
    while (*end && *end != '\n') end++;
    char last = *end;
    *end = 0;
    const char *at = line;
    u64 from = number_at(&at, 16);
    at++;
    u64 to = number_at(&at, 16);
    /* " rwxp": the fourth letter is s where it is shared */
    if (!is_kernels(line)) {
      if (at[4] == 's') return refuse("memory that is shared, of ", to - from, find(at, "/") ? find(at, "/") : " bytes");
      kernel(NR_madvise, from, to - from, MADV_DOFORK);
    }
    *end = last;
    line = last ? end + 1 : end;
  }
  return 0;
}

/*
 * What each execution writes to a child has to copy, page by page, each with a fault of its own: that is done ahead, for
 * whole ranges, while the child is a spare that nothing waits for. Which they are the worker has seen of a first child.
 */
enum { MADV_POPULATE_READ = 22, MADV_POPULATE_WRITE = 23, RANGES_MAX = 1024 };
static struct {
  u64 from, bytes;
  int advice;
} touched[RANGES_MAX];
static int touched_ranges;

/* In the template. */
void note_touched(u64 from, u64 to, int is_written) {
  if (touched_ranges == RANGES_MAX || to <= from) return;
  touched[touched_ranges].from = from;
  touched[touched_ranges].bytes = to - from;
  touched[touched_ranges++].advice = is_written ? MADV_POPULATE_WRITE : MADV_POPULATE_READ;
}

/* In a child. Kernels before 5.14 know no such advice, and the pages come one by one as ever. */
void touch_memory(void) {
  for (int i = 0; i < touched_ranges; i++) kernel(NR_madvise, touched[i].from, touched[i].bytes, touched[i].advice);
}
