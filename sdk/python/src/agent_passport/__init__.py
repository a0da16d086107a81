"""Agent Passport for agents and services."""
