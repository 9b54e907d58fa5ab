/*
 * A fork shares open file descriptions: what a child writes to the template's pipes and event descriptors would
 * wake the template's threads, or those of another child. So nothing that is open is kept. The plan says, for each
 * number, what it is; a child closes everything and makes each anew, of the same kind, under the same number and
 * with the same state. A kind that the plan has no word for refuses the template.
 */
#include "freezer.h"

enum kind { KIND_NULL, KIND_GIVEN, KIND_EVENT, KIND_PIPE_IN, KIND_PIPE_OUT, KIND_EPOLL };
enum { DESCRIPTORS_MAX = 64, WATCHED_MAX = 16, CONTENT_BYTES = 16, INFO_BYTES = 8192, LINK_BYTES = 128 };
enum { EFD_SEMAPHORE = 1, EPOLL_CTL_ADD = 1, ACCESS_MODE = 3 };

struct watched {
  int number;
  u32 events;
  u64 data;
};

struct descriptor {
  int number;
  enum kind kind;
  u32 flags;           /* O_NONBLOCK and O_CLOEXEC */
  u64 count;           /* of an event descriptor */
  u64 pipe;            /* identity of a pipe */
  int other_end;       /* of a pipe, in the plan */
  int watches;         /* of an epoll */
  struct watched watched[WATCHED_MAX];
  u8 content[CONTENT_BYTES]; /* of a pipe */
  int content_bytes;
};

static struct descriptor plan[DESCRIPTORS_MAX];
int planned_descriptors;
static int highest;

/* 0 to 4 are those of the runner protocol (src/boundary/runner-protocol.ts). */
static int is_given(int number) { return number < 5 || (freezing.network && number == (int)freezing.network); }

static struct descriptor *planned(int number) {
  for (int i = 0; i < planned_descriptors; i++)
    if (plan[i].number == number) return &plan[i];
  return NULL;
}

static int read_event(struct descriptor *descriptor, const char *info) {
  const char *count = find(info, "eventfd-count:");
  if (count == NULL) return refuse("event descriptor ", descriptor->number, " without a count");
  count += text_length("eventfd-count:");
  descriptor->count = number_at(&count, 16);
  const char *semaphore = find(info, "eventfd-semaphore:");
  if (semaphore == NULL) return 0;
  semaphore += text_length("eventfd-semaphore:");
  if (number_at(&semaphore, 10) == 1) descriptor->flags |= EFD_SEMAPHORE;
  return 0;
}

/* tfd:        5 events:        1 data:                5  pos:0 ... */
static int read_epoll(struct descriptor *descriptor, const char *info) {
  for (const char *at = info; (at = find(at, "tfd:")) != NULL;) {
    if (descriptor->watches == WATCHED_MAX) return refuse("epoll ", descriptor->number, " watches too much");
    struct watched *watched = &descriptor->watched[descriptor->watches++];
    at += text_length("tfd:");
    watched->number = (int)number_at(&at, 10);
    const char *events = find(at, "events:"), *data = find(at, "data:");
    if (events == NULL || data == NULL) return refuse("epoll ", descriptor->number, " that says too little");
    events += text_length("events:");
    data += text_length("data:");
    watched->events = (u32)number_at(&events, 16);
    watched->data = number_at(&data, 16);
  }
  return 0;
}

static int plan_one(int number) {
  static char path[64], link[LINK_BYTES], info[INFO_BYTES];
  if (planned_descriptors == DESCRIPTORS_MAX) return refuse("more descriptors than ", DESCRIPTORS_MAX, "");
  struct descriptor *descriptor = &plan[planned_descriptors++];
  memset(descriptor, 0, sizeof *descriptor);
  descriptor->number = number;
  if (number > highest) highest = number;
  i64 flags = kernel(NR_fcntl, number, F_GETFL);
  descriptor->flags = (flags & O_NONBLOCK) | (kernel(NR_fcntl, number, F_GETFD) & 1 ? O_CLOEXEC : 0);
  join(path, sizeof path, "/proc/self/fd/", number, "");
  i64 length = kernel(NR_readlinkat, AT_FDCWD, path, link, LINK_BYTES - 1);
  if (length < 0) return refuse("descriptor ", number, " that cannot be looked at");
  link[length] = 0;
  join(path, sizeof path, "/proc/self/fdinfo/", number, "");
  if (is_given(number)) return descriptor->kind = KIND_GIVEN, 0;
  /* The worker's control of the template is no child's. */
  if (number == (int)freezing.control || begins_with(link, "/dev/null")) return descriptor->kind = KIND_NULL, 0;
  if (begins_with(link, "pipe:[")) {
    const char *identity = link + text_length("pipe:[");
    descriptor->pipe = number_at(&identity, 10);
    descriptor->kind = (flags & ACCESS_MODE) == 0 ? KIND_PIPE_OUT : KIND_PIPE_IN;
    return 0;
  }
  if (begins_with(link, "anon_inode:[eventfd]")) {
    descriptor->kind = KIND_EVENT;
    if (read_file(path, info, INFO_BYTES) < 0) return refuse("descriptor ", number, " says too much");
    return read_event(descriptor, info);
  }
  if (begins_with(link, "anon_inode:[eventpoll]")) {
    descriptor->kind = KIND_EPOLL;
    if (read_file(path, info, INFO_BYTES) < 0) return refuse("descriptor ", number, " says too much");
    return read_epoll(descriptor, info);
  }
  static char detail[LINK_BYTES + 32];
  memcpy(detail, " is of an unknown kind: ", 24);
  memcpy(detail + 24, link, length + 1);
  return refuse("descriptor ", number, detail);
}

/* An end whose other end is not ours leads to another process: the worker's parent may have left one open. */
static int join_pipe(struct descriptor *out) {
  out->other_end = -1;
  for (int i = 0; i < planned_descriptors; i++) {
    if (&plan[i] == out || plan[i].pipe != out->pipe) continue;
    if (plan[i].kind == out->kind || out->other_end >= 0) return refuse("descriptor ", out->number, " is a pipe with a copy");
    out->other_end = i;
  }
  if (out->other_end < 0) out->kind = KIND_NULL;
  return 0;
}

/* What lies in a pipe is read and put back: libuv's lock of signals is a byte in one. */
static int copy_content(struct descriptor *out) {
  i32 waiting = 0;
  kernel(NR_ioctl, out->number, FIONREAD, &waiting);
  if (waiting == 0) return 0;
  if (waiting > CONTENT_BYTES) return refuse("descriptor ", out->number, " is a pipe with a lot in it");
  out->content_bytes = (int)kernel(NR_read, out->number, out->content, waiting);
  if (out->content_bytes != waiting) return refuse("descriptor ", out->number, " is a pipe that is being read");
  kernel(NR_write, plan[out->other_end].number, out->content, waiting);
  return 0;
}

static int check_plan(void) {
  for (int i = 0; i < planned_descriptors; i++) {
    struct descriptor *descriptor = &plan[i];
    if (descriptor->kind == KIND_PIPE_OUT || descriptor->kind == KIND_PIPE_IN)
      if (join_pipe(descriptor) < 0) return REFUSED;
    if (descriptor->kind == KIND_PIPE_OUT && copy_content(descriptor) < 0) return REFUSED;
    for (int k = 0; k < descriptor->watches; k++)
      if (planned(descriptor->watched[k].number) == NULL)
        return refuse("epoll watches what descriptor ", descriptor->watched[k].number, " is no more");
  }
  return 0;
}

int plan_descriptors(void) {
  static char entries[8192];
  planned_descriptors = highest = 0;
  i64 folder = kernel(NR_openat, AT_FDCWD, "/proc/self/fd", O_CLOEXEC | O_DIRECTORY);
  if (folder < 0) return refuse("no /proc/self/fd: error ", -folder, "");
  int result = 0;
  i64 bytes;
  while (result == 0 && (bytes = kernel(NR_getdents64, folder, entries, sizeof entries)) > 0) {
    for (i64 at = 0; result == 0 && at < bytes; at += *(u16 *)(entries + at + 16)) {
      const char *name = entries + at + 19;
      if (*name == '.') continue;
      int number = (int)number_at(&name, 10);
      if (number != folder) result = plan_one(number);
    }
  }
  kernel(NR_close, folder);
  return result < 0 ? result : check_plan();
}

/* The kernel gives the lowest free numbers, which may be those of others in the plan: moves one above them. */
static i64 lift(i64 made, int above) {
  if (made < 0) return made;
  i64 lifted = kernel(NR_fcntl, made, F_DUPFD_CLOEXEC, above);
  kernel(NR_close, made);
  return lifted;
}

/* Gives a new descriptor its planned number and flags. */
static int settle(i64 lifted, const struct descriptor *as) {
  if (lifted < 0) return (int)lifted;
  i64 moved = kernel(NR_dup3, lifted, as->number, as->flags & O_CLOEXEC);
  kernel(NR_close, lifted);
  return moved < 0 ? (int)moved : 0;
}

static int remake_pipe(const struct descriptor *out, int above) {
  const struct descriptor *in = &plan[out->other_end];
  int ends[2];
  i64 result = kernel(NR_pipe2, ends, O_CLOEXEC);
  if (result < 0) return (int)result;
  i64 from = lift(ends[0], above), to = lift(ends[1], above);
  if (settle(from, out) < 0 || settle(to, in) < 0) return -1;
  kernel(NR_fcntl, out->number, F_SETFL, out->flags & O_NONBLOCK);
  kernel(NR_fcntl, in->number, F_SETFL, in->flags & O_NONBLOCK);
  if (out->content_bytes) kernel(NR_write, in->number, out->content, out->content_bytes);
  return 0;
}

static int remake_one(const struct descriptor *descriptor, int null, int above) {
  switch (descriptor->kind) {
    case KIND_GIVEN:
    case KIND_PIPE_IN: /* made together with its other end */
      return 0;
    case KIND_NULL:
      return (int)kernel(NR_dup3, null, descriptor->number, descriptor->flags & O_CLOEXEC);
    case KIND_EVENT:
      return settle(lift(kernel(NR_eventfd2, descriptor->count, descriptor->flags), above), descriptor);
    case KIND_EPOLL:
      return settle(lift(kernel(NR_epoll_create1, 0), above), descriptor);
    case KIND_PIPE_OUT:
      return remake_pipe(descriptor, above);
  }
  return -1;
}

static int watch_again(const struct descriptor *epoll) {
  for (int k = 0; k < epoll->watches; k++) {
    struct {
      u32 events;
      u64 data;
    } __attribute__((packed)) event = {epoll->watched[k].events, epoll->watched[k].data};
    i64 result = kernel(NR_epoll_ctl, epoll->number, EPOLL_CTL_ADD, epoll->watched[k].number, &event);
    if (result < 0) return (int)result;
  }
  return 0;
}

int remake_descriptors(const int given[GIVEN_MAX]) {
  /* First out of the way of what is closed and made; `above` is the first number that the plan does not use. */
  int above = highest + 1, held[GIVEN_MAX];
  for (int number = 0; number < GIVEN_MAX; number++) {
    held[number] = given[number] < 0 ? -1 : (int)kernel(NR_fcntl, given[number], F_DUPFD_CLOEXEC, above + GIVEN_MAX);
    if (given[number] >= 0 && held[number] < 0) return held[number];
  }
  int first_held = above + GIVEN_MAX, last_held = first_held;
  for (int number = 0; number < GIVEN_MAX; number++)
    if (held[number] > last_held) last_held = held[number];
  kernel(NR_close_range, 0, first_held - 1, 0);
  kernel(NR_close_range, last_held + 1, ~0U, 0);

  int made_above = last_held + 1;
  for (int number = 0; number < GIVEN_MAX; number++) {
    if (held[number] < 0) continue;
    i64 result = kernel(NR_dup3, held[number], number, 0);
    if (result < 0) return (int)result;
    struct descriptor *as = planned(number);
    if (as && as->flags & O_NONBLOCK) kernel(NR_fcntl, number, F_SETFL, O_RDWR | O_NONBLOCK);
  }
  for (int i = 0; i < planned_descriptors; i++) {
    int result = remake_one(&plan[i], held[0], made_above);
    if (result < 0) return result;
  }
  kernel(NR_close_range, above, ~0U, 0);
  for (int i = 0; i < planned_descriptors; i++) {
    int result = plan[i].kind == KIND_EPOLL ? watch_again(&plan[i]) : 0;
    if (result < 0) return result;
  }
  return 0;
}
