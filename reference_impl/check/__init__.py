"""The doctor: is a derivative right, and if not, why?"""
