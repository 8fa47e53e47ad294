namespace Emulator.Core.Cpu;

/// <summary>EFLAGS bits.</summary>
public static class Eflags
{
    public const uint CF = 0x1;
    public const uint Fixed = 0x2;
    public const uint PF = 0x4;
    public const uint AF = 0x10;
    public const uint ZF = 0x40;
    public const uint SF = 0x80;
    public const uint TF = 0x100;
    public const uint IF = 0x200;
    public const uint DF = 0x400;
    public const uint OF = 0x800;
    public const uint IoplMask = 0x3000;
    public const int IoplShift = 12;
    public const uint NT = 0x4000;
    public const uint RF = 0x10000;
    public const uint VM = 0x20000;
    public const uint AC = 0x40000;
    public const uint VIF = 0x80000;
    public const uint VIP = 0x100000;
    public const uint ID = 0x200000;

    /// <summary>The six status flags, which are kept lazily.</summary>
    public const uint Status = CF | PF | AF | ZF | SF | OF;
}
