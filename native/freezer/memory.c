/*
 * A child must share no memory with the template, and needs all of it: shared mappings are refused, except those
 * that the kernel itself puts there read-only, and what V8 keeps out of forks is let in again.
 */
#include "freezer.h"

enum { MADV_DOFORK = 11, MAPS_BYTES = 1 << 19, LINE_BYTES = 160 };

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
