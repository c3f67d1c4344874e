"""Code from any clone URL, and the platform's own smart-HTTP remote, both through the machine's ``git``.

``GitSource`` (``source``) reads repositories; ``GitRemotes`` (``remote``) keeps the platform's own ones;
``GitHttpApp`` (``http_app``) lets ``git push`` and ``git clone`` at those.

Left out on purpose: submodules are not fetched (a checkout has an empty directory in their place), and Git LFS
pointers stay pointers.
"""
