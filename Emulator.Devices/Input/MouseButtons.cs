namespace Emulator.Devices.Input;

/// <summary>Buttons of a mouse.</summary>
[Flags]
public enum MouseButtons : byte
{
    /// <summary>None.</summary>
    None = 0,
    Left = 1,
    Right = 2,
    Middle = 4,

    /// <summary>First side button (IntelliMouse Explorer).</summary>
    Back = 8,

    /// <summary>Second side button.</summary>
    Forward = 16,
}
