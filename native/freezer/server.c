/*
 * The template after its freezing. It runs no JavaScript any more, nothing of V8, libuv or the C library: this loop
 * reads requests of fixed size from the worker, forks, and says how children ended.
 *
 * Where children have processes of their own, each has one more process, the keeper: process 1 of its namespace.
 * Process 1 does not get the signals by which a program ends itself (abort, out of memory), so the runner is
 * process 2. The keeper shares the template's memory and waits; user code has neither the user nor the rights to
 * reach it. How the runner ended, and what it used, the keeper writes down where the template reads it.
 */
#include "freezer.h"

enum { CHILDREN_MAX = 1280, STACK_BYTES = 8192 };
enum {
  CLONE_VM = 0x100,
  CLONE_NEWNS = 0x20000,
  CLONE_NEWUTS = 0x4000000,
  CLONE_NEWIPC = 0x8000000,
  CLONE_NEWUSER = 0x10000000,
  CLONE_NEWPID = 0x20000000,
  CLONE_CHILD_CLEARTID = 0x200000,
  CLONE_CHILD_SETTID = 0x1000000,
};
enum { POLLIN = 1, MSG_WAITALL = 0x100, MSG_NOSIGNAL = 0x4000, PR_SET_DUMPABLE = 4 };
enum { SECCOMP_SET_MODE_FILTER = 1, SECCOMP_FILTER_FLAG_TSYNC = 1 };
enum { EXIT_PROTOCOL = 3, EXIT_NOT_CONFINED = 120, EXIT_NO_FILTER = 121, EXIT_NO_THREADS = 122, EXIT_NO_RUNNER = 123 };

struct freezing freezing;

struct child {
  i32 pid;       /* 0: none; of the keeper where there is one */
  int is_told;   /* the worker was told of its end; it stays a zombie until the worker has heard */
  int has_keeper;
  volatile int is_recorded;
  i32 status; /* of the runner, as wait4 has it */
  struct usage usage;
  /* Of its own, since a keeper forks when the template may read the next one already. */
  struct request request;
};

static struct child children[CHILDREN_MAX];
static u8 stacks[CHILDREN_MAX][STACK_BYTES] __attribute__((aligned(16)));
static struct request request;
static struct registers freezer_caller;
static struct signal_action sigchld_before;
static u64 mask_before;
static u64 served_mask;
static u32 own_uid, own_gid;

static void say(const struct answer *answer) {
  kernel(NR_sendto, freezing.control, answer, sizeof *answer, MSG_NOSIGNAL);
}

static void on_child_end(int signal) { (void)signal; }

/* ---- in the child ---- */

static void complain(const char *what, int number) {
  char text[96];
  join(text, sizeof text, what, -number, "\n");
  /* Where there is no connection yet, descriptor 2 is the template's, which the worker reads too. */
  kernel(NR_write, 2, text, text_length(text));
}

static int set_filter(u64 program, u64 length, u64 flags) {
  struct {
    u16 length;
    u16 padding[3];
    u64 program;
  } filter = {(u16)length, {0}, program};
  return (int)kernel(NR_seccomp, SECCOMP_SET_MODE_FILTER, flags, &filter);
}

static void be_runner(const struct child *self) {
  int result = become_runner(&self->request);
  if (result < 0) {
    complain("a forked runner could not be confined: step and error ", result);
    kernel(NR_exit_group, EXIT_NOT_CONFINED);
  }
  kernel(NR_rt_sigaction, SIGCHLD, &sigchld_before, NULL, SIGSET_BYTES);
  restore_main_thread();
  touch_memory();
  /* Before there are other threads, which inherit it. */
  if (freezing.filter_length && (result = set_filter(freezing.filter, freezing.filter_length, 0)) < 0) {
    complain("a forked runner could not set its filter: error ", result);
    kernel(NR_exit_group, EXIT_NO_FILTER);
  }
  if ((result = resume_threads()) < 0) {
    complain("a forked runner could not start its threads: error ", result);
    kernel(NR_exit_group, EXIT_NO_THREADS);
  }
  kernel(NR_rt_sigprocmask, SIG_SETMASK, &mask_before, NULL, SIGSET_BYTES);
  go_on(&freezer_caller);
}

/* ---- the keeper ---- */

static void keep(u64 index) {
  struct child *child = &children[index];
  int mapped = freezing.features & FEATURE_OWN_USERS ? map_users(own_uid, own_gid) : 0;
  if (mapped < 0) {
    complain("a forked runner has no user namespace: error ", mapped);
    kernel(NR_exit, EXIT_NO_RUNNER);
  }
  u64 flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
  i64 pid = kernel(NR_clone, flags, 0, 0, main_thread_number);
  if (pid == 0) be_runner(child);
  if (pid < 0) {
    complain("a forked runner could not be cloned: error ", (int)pid);
    kernel(NR_exit, EXIT_NO_RUNNER);
  }
  for (;;) {
    i32 status;
    i64 ended = kernel(NR_wait4, -1, &status, W_ALL, &child->usage);
    if (ended == pid) {
      child->status = status;
      child->is_recorded = 1;
      kernel(NR_exit, 0);
    }
    if (ended < 0 && ended != -E_INTR) kernel(NR_exit, EXIT_NO_RUNNER);
  }
}

/* ---- the template ---- */

static void fork_child(void) {
  int index = 0;
  while (index < CHILDREN_MAX && children[index].pid) index++;
  struct answer answer = {.says = SAYS_FORKED, .pid = -11};
  if (index < CHILDREN_MAX) {
    struct child *child = &children[index];
    memset(child, 0, sizeof *child);
    child->request = request;
    child->has_keeper = (freezing.features & FEATURE_NAMESPACES) != 0;
    i64 pid;
    if (child->has_keeper) {
      u64 flags = CLONE_VM | CLONE_NEWPID | SIGCHLD;
      if (freezing.features & FEATURE_OWN_USERS) flags |= CLONE_NEWUSER;
      pid = clone_onto(flags, (u64)&stacks[index][STACK_BYTES], keep, index);
    } else {
      pid = kernel(NR_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0, main_thread_number);
      if (pid == 0) be_runner(child);
    }
    answer.pid = (i32)pid;
    if (pid > 0) child->pid = (i32)pid;
  }
  say(&answer);
}

static void reap_child(void) {
  for (int i = 0; i < CHILDREN_MAX; i++)
    if (children[i].pid == request.pid && children[i].is_told) {
      kernel(NR_wait4, children[i].pid, NULL, W_ALL, NULL);
      children[i].pid = 0;
    }
}

/* How a child ended: where there is a keeper, by what that has written down. */
static void describe_end(const struct child *child, const struct child_end *end, const struct usage *usage,
                         struct answer *answer) {
  answer->says = SAYS_ENDED;
  answer->pid = child->pid;
  answer->code = end->code == CLD_EXITED ? CLD_EXITED : CLD_KILLED;
  answer->status = end->status;
  const struct usage *of = usage;
  if (child->has_keeper && child->is_recorded) {
    int signal = child->status & 0x7f;
    answer->code = signal ? CLD_KILLED : CLD_EXITED;
    answer->status = signal ? signal : (child->status >> 8) & 0xff;
    of = &child->usage;
  }
  answer->user_us = of->user_seconds * 1000000 + of->user_microseconds;
  answer->system_us = of->system_seconds * 1000000 + of->system_microseconds;
  answer->max_rss_kb = of->max_rss_kb;
  answer->minor_faults = of->minor_faults;
}

static void tell_ends(void) {
  for (int i = 0; i < CHILDREN_MAX; i++) {
    struct child *child = &children[i];
    if (child->pid == 0 || child->is_told) continue;
    struct child_end end = {0};
    struct usage usage;
    i64 result = kernel(NR_waitid, P_PID, child->pid, &end, WEXITED | WNOHANG | WNOWAIT | W_ALL, &usage);
    if (result < 0 || end.pid != child->pid) continue;
    struct answer answer = {0};
    child->is_told = 1;
    describe_end(child, &end, &usage, &answer);
    say(&answer);
  }
}

static void serve(void) {
  struct answer frozen = {.says = SAYS_FROZEN, .code = parked_threads, .status = planned_descriptors};
  say(&frozen);
  for (;;) {
    struct {
      i32 descriptor;
      u16 events, seen;
    } control = {(i32)freezing.control, POLLIN, 0};
    /* Only here may the end of a child interrupt: it is looked at in the next line either way. */
    i64 ready = kernel(NR_ppoll, &control, 1, NULL, &served_mask, SIGSET_BYTES);
    tell_ends();
    if (ready <= 0) continue;
    i64 got = kernel(NR_recvfrom, freezing.control, &request, sizeof request, MSG_WAITALL);
    /* The worker is gone, or wants this template gone; its children go with it. */
    if (got == 0) kernel(NR_exit_group, 0);
    if (got != sizeof request || request.bytes != sizeof request) kernel(NR_exit_group, EXIT_PROTOCOL);
    if (request.ask == ASK_FORK) fork_child();
    else if (request.ask == ASK_REAP) reap_child();
    else if (request.ask == ASK_WRITTEN || request.ask == ASK_READ)
      note_touched(request.from, request.to, request.ask == ASK_WRITTEN);
    else kernel(NR_exit_group, EXIT_PROTOCOL);
  }
}

static int prepare(void) {
  int result = park_threads();
  if (result < 0) return result;
  if ((result = plan_descriptors()) < 0 || (result = open_memory()) < 0) {
    release_threads();
    return result;
  }
  return 0;
}

/*
 * Returns IN_CHILD, in each child anew; or NOT_QUIET or REFUSED, in the template, with every thread running again
 * and the reason written down. In the template it does not return otherwise.
 */
EXPORT int freezer_freeze(const struct freezing *wanted) {
  freezing = *wanted;
  u64 everything = ~0UL;
  kernel(NR_rt_sigprocmask, SIG_SETMASK, &everything, &mask_before, SIGSET_BYTES);
  int result = prepare();
  if (result < 0) {
    kernel(NR_rt_sigprocmask, SIG_SETMASK, &mask_before, NULL, SIGSET_BYTES);
    return result;
  }
  served_mask = everything & ~(1UL << (SIGCHLD - 1));
  struct signal_action action = {on_child_end, SA_RESTORER, signal_restorer, 0};
  kernel(NR_rt_sigaction, SIGCHLD, &action, &sigchld_before, SIGSET_BYTES);
  own_uid = (u32)kernel(NR_getuid);
  own_gid = (u32)kernel(NR_getgid);
  /*
   * No process but root's may look into what all children are copied from. A keeper that maps users must be seen
   * to be its own user's; the rights that it has in its namespace keep its runner from looking into it.
   */
  if (!(freezing.features & FEATURE_OWN_USERS)) kernel(NR_prctl, PR_SET_DUMPABLE, 0);
  if (save_registers(&freezer_caller) == 0) serve();
  struct freezing *answer = (struct freezing *)wanted;
  u32 random = 0;
  kernel(NR_getrandom, &random, sizeof random, 0);
  answer->seed = random >> 1;
  answer->pid = kernel(NR_getpid);
  return IN_CHILD;
}

/*
 * In a child whose filter depends on its execution: sets it, for all threads. 0, or an error number, negated; or the
 * number of a thread that has another filter.
 */
EXPORT int freezer_seal(u64 program, u64 length) { return set_filter(program, length, SECCOMP_FILTER_FLAG_TSYNC); }

/* Ends a template that does not freeze: Node would first wait for its threads, of which one may never rest. */
EXPORT void freezer_leave(int code) { kernel(NR_exit_group, code); }
