"""Composition: settings, site, work places that show several rooms, roles, embedded services."""

from console.celery import app as celery_app

__all__ = ["celery_app"]
