namespace Emulator.Frontend.CommandLine;

/// <summary>What <c>-boot [order=]DRIVES,menu=on|off,splash-time=MS,reboot-timeout=MS</c> says.</summary>
/// <param name="Order">Kinds of devices in the order of trial, or null.</param>
/// <param name="Menu">Whether firmware offers its menu.</param>
/// <param name="Wait">Milliseconds for which it does, or null.</param>
/// <param name="RetryWait">Milliseconds after which firmware that found nothing starts over, or null for never.</param>
internal sealed record BootOptions(string? Order, bool Menu, int? Wait, int? RetryWait)
{
    /// <summary>Reads the option's value.</summary>
    /// <param name="text">The value, or null when the option is not given.</param>
    /// <exception cref="UsageException">It is not valid.</exception>
    public static BootOptions? Parse(string? text)
    {
        if (text is null)
        {
            return null;
        }

        BootOptions options = new(null, false, null, null);
        foreach (string part in text.Split(','))
        {
            (string name, string value) = part.Split('=', 2) is [string n, string v] ? (n, v) : ("order", part);
            options = name switch
            {
                "order" or "once" when value.Length > 0 && value.All("acdn".Contains) && value.Distinct().Count() == value.Length => options with { Order = value },
                "menu" when value is "on" or "off" => options with { Menu = value == "on" },
                "splash-time" when NumberSyntax.TryNumber(value, ushort.MaxValue, out ulong wait) => options with { Wait = (int)wait },
                "reboot-timeout" when value == "-1" => options with { RetryWait = null },
                "reboot-timeout" when NumberSyntax.TryNumber(value, ushort.MaxValue, out ulong retry) => options with { RetryWait = (int)retry },
                "strict" when value is "off" => options,
                "order" or "once" => throw new UsageException($"-boot {text}: '{value}' is no boot order (a floppy, c disk, d CD, n network, each once)"),
                "menu" => throw new UsageException($"-boot {text}: menu is on or off"),
                "reboot-timeout" => throw new UsageException($"-boot {text}: reboot-timeout is -1 (never) or 0 to 65535 milliseconds"),
                "splash-time" => throw new UsageException($"-boot {text}: splash-time is 0 to 65535 milliseconds"),
                _ => throw new UsageException($"-boot {text}: '{name}' is unknown; order, menu, splash-time and reboot-timeout are known"),
            };
        }

        return options;
    }
}
