"""Grafana's dashboards as code, in Russian and English."""
