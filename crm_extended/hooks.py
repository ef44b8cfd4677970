from odoo.exceptions import UserError


def uninstall_hook(env):
    """Refuse while a refresh is running, and drop what it stages outside the models."""
    runs = env["crm.model.run"]
    if not runs._try_lock_all():
        raise UserError(
            env._(
                "The customer refresh is running. Cancel it under Customers / Configuration / "
                "Refreshes, or wait for its end, then uninstall again."
            )
        )
    runs._drop_staging()
