"""Paths of the account API that list places; finding one by name is the devices' call."""

from django.urls import path

from geography import views

account_api = [
    path("countries", views.CountriesView.as_view()),
    path("regions", views.RegionsView.as_view()),
    path("cities", views.CitiesView.as_view()),
    path("timezones", views.TimezonesView.as_view()),
]
