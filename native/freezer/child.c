/*
 * Makes the copy of the template a runner: what it may reach, and what it may never reach again. Runs in the child
 * before any of its threads does. Each step that could fail open ends the child instead.
 */
#include "freezer.h"

enum { AF_UNIX = 1, SOCK_STREAM = 1, PATH_BYTES = 108, TOKEN_BYTES = 16 };
enum { MS_NOSUID = 2, MS_NODEV = 4, MS_NOEXEC = 8, MS_BIND = 0x1000, MS_REC = 0x4000, MS_PRIVATE = 0x40000, MNT_DETACH = 2 };
enum { RLIMIT_NPROC = 6, RLIMIT_NOFILE = 7 };
enum {
  PR_SET_PDEATHSIG = 1,
  PR_CAPBSET_DROP = 24,
  PR_SET_NO_NEW_PRIVS = 38,
  PR_CAP_AMBIENT = 47,
  PR_CAP_AMBIENT_CLEAR_ALL = 4,
  CAPABILITIES_MAX = 64,
  CAPABILITY_VERSION_3 = 0x20080522,
};

/* The numbers of the step that failed, which the worker reads in the exit code's stead: see server.c. */
enum step {
  STEP_DOOR = 1000,
  STEP_MOUNTS = 2000,
  STEP_DESCRIPTORS = 3000,
  STEP_LIMITS = 4000,
  STEP_USER = 5000,
  STEP_RIGHTS = 6000,
};

/* A connection of its own to the worker, which knows whose it is by the token and what for by the number. */
static i64 knock(const u8 *token, u8 number) {
  struct {
    u16 family;
    char path[PATH_BYTES];
  } address = {AF_UNIX, {0}};
  const char *door = (const char *)freezing.door;
  int length = text_length(door);
  if (length >= PATH_BYTES) return -1;
  memcpy(address.path, door, length);
  i64 made = kernel(NR_socket, AF_UNIX, SOCK_STREAM | O_CLOEXEC);
  if (made < 0) return made;
  i64 result = kernel(NR_connect, made, &address, sizeof address.family + length + 1);
  if (result < 0) return result;
  u8 greeting[TOKEN_BYTES + 1];
  memcpy(greeting, token, TOKEN_BYTES);
  greeting[TOKEN_BYTES] = number;
  return kernel(NR_write, made, greeting, sizeof greeting) == sizeof greeting ? made : -1;
}

static i64 connect_all(const struct request *request, int given[GIVEN_MAX]) {
  for (int number = 0; number < GIVEN_MAX; number++) given[number] = -1;
  given[0] = (int)kernel(NR_openat, AT_FDCWD, "/dev/null", O_RDWR | O_CLOEXEC);
  if (given[0] < 0) return given[0];
  for (int number = 1; number < GIVEN_MAX; number++) {
    if (number > 4 && number != (int)freezing.network) continue;
    i64 connection = knock(request->token, number);
    if (connection < 0) return connection;
    given[number] = (int)connection;
  }
  return 0;
}

/* The way to the worker is gone, and the folder and /proc are the child's own. */
static i64 mount_own(const struct request *request) {
  /* Mounts that come from another user namespace may not be taken away, only covered. */
  int covers = freezing.features & FEATURE_OWN_USERS;
  i64 result = kernel(NR_mount, "none", "/", NULL, MS_REC | MS_PRIVATE);
  if (result < 0) return result;
  result = covers ? kernel(NR_mount, "/dev/null", freezing.door, NULL, MS_BIND)
                  : kernel(NR_umount2, freezing.door, MNT_DETACH);
  if (result < 0) return result;
  char size[64];
  join(size, sizeof size, "mode=0777,size=", request->scratch_bytes, "");
  result = kernel(NR_mount, "tmpfs", freezing.scratch, "tmpfs", MS_NOSUID | MS_NODEV, size);
  if (result < 0) return result;
  if (!covers && (result = kernel(NR_umount2, "/proc", MNT_DETACH)) < 0) return result;
  return kernel(NR_mount, "proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, "hidepid=2");
}

static i64 set_limit(int resource, u64 value) {
  u64 limit[2] = {value, value}, now[2];
  i64 result = kernel(NR_prlimit64, 0, resource, NULL, now);
  if (result < 0 || now[1] <= value) return result;
  return kernel(NR_prlimit64, 0, resource, limit, NULL);
}

static i64 become_user(u32 uid) {
  if (uid == (u32)NO_UID) return 0;
  i64 result = kernel(NR_setgroups, 0, NULL);
  if (result >= 0) result = kernel(NR_setgid, uid);
  if (result >= 0) result = kernel(NR_setuid, uid);
  return result;
}

static void drop_bounding_set(void) {
  /* The first number that the kernel does not know is refused. */
  for (int capability = 0; capability < CAPABILITIES_MAX; capability++)
    if (kernel(NR_prctl, PR_CAPBSET_DROP, capability) < 0) return;
}

static i64 give_up_rights(void) {
  u32 header[2] = {CAPABILITY_VERSION_3, 0}, none[6] = {0};
  kernel(NR_prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL);
  i64 result = kernel(NR_capset, header, none);
  if (result >= 0) result = kernel(NR_prctl, PR_SET_NO_NEW_PRIVS, 1);
  /* After the change of user, which takes it back. */
  if (result >= 0) result = kernel(NR_prctl, PR_SET_PDEATHSIG, SIGKILL);
  return result;
}

static i64 write_file(const char *path, const char *text) {
  i64 file = kernel(NR_openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return file;
  i64 result = kernel(NR_write, file, text, text_length(text));
  kernel(NR_close, file);
  return result;
}

/*
 * In a user namespace that was just made: user and group are the ones that they were outside. Called by a keeper,
 * which shares the template's memory: nothing static is written.
 */
int map_users(u32 uid, u32 gid) {
  char once[24], map[64];
  i64 result = write_file("/proc/self/setgroups", "deny");
  if (result < 0) return (int)result;
  join(once, sizeof once, " ", uid, " 1");
  join(map, sizeof map, "", uid, once);
  if ((result = write_file("/proc/self/uid_map", map)) < 0) return (int)result;
  join(once, sizeof once, " ", gid, " 1");
  join(map, sizeof map, "", gid, once);
  result = write_file("/proc/self/gid_map", map);
  return result < 0 ? (int)result : 0;
}

/* 0, or minus the step with the kernel's error number in its last three digits. */
int become_runner(const struct request *request) {
  int given[GIVEN_MAX];
  i64 result;
  /* A process group of its own, to be killed as a whole. */
  kernel(NR_setsid);
  if ((result = connect_all(request, given)) < 0) return (int)(result - STEP_DOOR);
  if (freezing.features & FEATURE_NAMESPACES && (result = mount_own(request)) < 0) return (int)(result - STEP_MOUNTS);
  if ((result = remake_descriptors(given)) < 0) return (int)(result - STEP_DESCRIPTORS);
  if ((result = kernel(NR_chdir, freezing.scratch)) < 0) return (int)(result - STEP_LIMITS);
  if (request->max_tasks && (result = set_limit(RLIMIT_NPROC, request->max_tasks)) < 0) return (int)(result - STEP_LIMITS);
  if ((result = set_limit(RLIMIT_NOFILE, request->open_files)) < 0) return (int)(result - STEP_LIMITS);
  drop_bounding_set();
  if ((result = become_user(request->uid)) < 0) return (int)(result - STEP_USER);
  if ((result = give_up_rights()) < 0) return (int)(result - STEP_RIGHTS);
  return 0;
}
