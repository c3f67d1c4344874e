"""The application framework: one composition root, and rooms around it.

``app`` gives the :class:`~euryale.framework.app.Application`, the rooms give its parts: ``config``, ``container``,
``data``, ``modules``, ``events``, ``http``, ``auth``, and ``testing`` for its tests. Nothing is imported here, so that
who needs one room does not pay for all.
"""
