"""What may stop us in a folder, told by what the system said. Knows error numbers; must not know any product."""

import errno
from pathlib import Path
from typing import Final

from cas.problems import Category, Problem


class FolderMissing(Problem):
    """A folder, or what holds it, is not there."""

    code = "target.folder_missing"
    category = Category.CONFLICT
    title = "The target's folder is not there"
    remedy = "Make the folder named by path, or mount what holds it; or correct directory in the target's settings."


class FolderObstructed(Problem):
    """Something of another sort has the name of a folder or file that is wanted."""

    code = "target.folder_obstructed"
    category = Category.CONFLICT
    title = "Something else has the name of a folder or file that is wanted"
    remedy = "Look at path and what holds it, and move away what is a file and should be a folder, or the reverse."


class FolderDenied(Problem):
    """The system does not let this account into the folder."""

    code = "target.folder_denied"
    category = Category.CONFLICT
    title = "No permission in the target's folder"
    remedy = "Let the account that deploys read and write the target's folder, and pass the folders above it."


class FolderReadOnly(Problem):
    """The file system takes no writes."""

    code = "target.folder_read_only"
    category = Category.CONFLICT
    title = "The target's file system is read-only"
    remedy = "Mount it writable; if the system made it read-only itself, look for a failing disk first."


class FolderFull(Problem):
    """No room, or no quota, is left."""

    code = "target.folder_full"
    category = Category.CONFLICT
    title = "No room is left on the target's file system"
    remedy = "Free room, inodes or quota where path is."


class FolderFailed(Problem):
    """The file system failed in a way that no other problem names."""

    code = "target.folder_failed"
    category = Category.CONFLICT
    title = "The target's file system failed"
    remedy = "Look at the reason and at the system's own log; the disk or the mount may be failing."


_BY_NUMBER: Final[dict[int, type[Problem]]] = {
    errno.ENOENT: FolderMissing,
    errno.ENOTDIR: FolderObstructed,
    errno.EISDIR: FolderObstructed,
    errno.EEXIST: FolderObstructed,
    errno.ELOOP: FolderObstructed,
    errno.ENOTEMPTY: FolderObstructed,
    errno.EACCES: FolderDenied,
    errno.EPERM: FolderDenied,
    errno.EROFS: FolderReadOnly,
    errno.ENOSPC: FolderFull,
    errno.EDQUOT: FolderFull,
}


def of_error(path: Path, error: OSError) -> Problem:
    """Give the problem that an operating system's error stands for, with the path and the system's own words."""
    kind = _BY_NUMBER.get(error.errno or 0, FolderFailed)
    return kind(path=str(path), reason=error.strerror or type(error).__name__)
