#!/bin/sh
# Boots a host of the lab: boot.sh FOLDER NAME NETWORK-NAMESPACE CONTROL-GROUP...
# Outside: enters the control groups and namespaces. Inside, as the first process: lays the host's root over parts of
# this machine's, which nothing there can write to, and becomes the supervisor. Nothing of it is seen outside.
set -e
folder=$1 name=$2

if [ "$3" != inside ]; then
    network=$3
    shift 3
    for group in "$@"; do echo $$ >"$group/cgroup.procs"; done
    exec nsenter --net="$network" \
        unshare --mount --uts --ipc --pid --cgroup --fork --kill-child /bin/sh "$0" "$folder" "$name" inside
fi

hostname "$name"
groups=$(grep -E ' cgroup2? ' /proc/self/mounts)
mount --make-rprivate /
mount --bind "$folder/disk" "$folder/disk"
cd "$folder/disk"
for part in usr etc var/lib/dpkg; do
    mount -t overlay -o "lowerdir=/$part,upperdir=$folder/upper/$part,workdir=$folder/work/$part" overlay "$part"
done
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs -o mode=755 tmpfs dev
for node in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
    # shellcheck disable=SC2086  # three words
    set -- $node
    mknod -m 666 "dev/$1" c "$2" "$3"
done
mkdir dev/pts dev/shm run/lock
mount -t devpts -o newinstance,ptmxmode=0666,mode=620,gid=5 devpts dev/pts
mount -t tmpfs -o mode=1777 tmpfs dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
for number in 0 1 2; do ln -s "/proc/self/fd/$number" "dev/$(echo stdin stdout stderr | cut -d' ' -f$((number + 1)))"; done

# The host's own part of the control groups, where programs look for all of them.
if echo "$groups" | grep -q ' cgroup '; then
    mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
    echo "$groups" | while read -r _ point type options _; do
        [ "$type" = cgroup ] || continue
        which=$(echo "$options" | tr , '\n' | grep -vE '^(rw|ro|nosuid|nodev|noexec|relatime|xattr|clone_children|release_agent=.*)$' | paste -sd,)
        case $which in name=*) which=none,$which ;; esac
        mkdir "sys/fs/cgroup/${point##*/}"
        mount -t cgroup -o "$which" cgroup "sys/fs/cgroup/${point##*/}"
    done
else
    mount -t cgroup2 cgroup2 sys/fs/cgroup
fi

mkdir -p old
pivot_root . old
cd /
umount -l /old
rmdir /old
exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
    PYTHONPATH=/usr/local/lib/lab /usr/bin/python3 -s -m labinit </dev/null
