"""Carries the app that dresses third-party admin pages (`console.apps.ScheduleConfig`)."""
