#include "freezer.h"

int text_length(const char *text) {
  int length = 0;
  while (text[length]) length++;
  return length;
}

int begins_with(const char *text, const char *beginning) {
  for (; *beginning; text++, beginning++)
    if (*text != *beginning) return 0;
  return 1;
}

/* Where `part` begins in `text`; NULL: nowhere. */
const char *find(const char *text, const char *part) {
  for (; *text; text++)
    if (begins_with(text, part)) return text;
  return NULL;
}

/* Reads a number after blanks, and moves on behind it. */
u64 number_at(const char **text, int base) {
  const char *at = *text;
  u64 value = 0;
  while (*at == ' ' || *at == '\t') at++;
  for (;; at++) {
    int digit = *at >= '0' && *at <= '9' ? *at - '0' : *at >= 'a' && *at <= 'f' ? *at - 'a' + 10 : base;
    if (digit >= base) break;
    value = value * base + digit;
  }
  *text = at;
  return value;
}

static int append(char *to, int at, int limit, const char *text) {
  while (*text && at < limit - 1) to[at++] = *text++;
  to[at] = 0;
  return at;
}

/* Text, number in decimal, text: cut off where there is no more room. */
void join(char *to, int limit, const char *before, u64 number, const char *after) {
  char digits[21];
  int first = sizeof digits - 1;
  digits[first] = 0;
  do digits[--first] = '0' + number % 10;
  while (number /= 10);
  int at = append(to, 0, limit, before);
  at = append(to, at, limit, digits + first);
  append(to, at, limit, after);
}

/* The whole file as text; its length, or negative when it cannot be read or is longer. */
int read_file(const char *path, char *to, int limit) {
  i64 file = kernel(NR_openat, AT_FDCWD, path, O_CLOEXEC);
  if (file < 0) return (int)file;
  int length = 0;
  i64 got;
  while ((got = kernel(NR_read, file, to + length, limit - 1 - length)) > 0) {
    length += got;
    if (length == limit - 1) break;
  }
  kernel(NR_close, file);
  to[length] = 0;
  return got < 0 || length == limit - 1 ? -1 : length;
}

int refuse(const char *why, u64 number, const char *detail) {
  join((char *)freezing.reason, REASON_BYTES, why, number, detail);
  return REFUSED;
}

/* The compiler writes calls of these two for copies and for zeros. */
void *memcpy(void *to, const void *from, u64 bytes) {
  void *start = to;
  __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
  return start;
}

void *memset(void *to, int value, u64 bytes) {
  void *start = to;
  __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(value) : "memory");
  return start;
}
